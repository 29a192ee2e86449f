/**
 * Makes the line of a variable for a `.env` file, without a line end. Readers of `.env` files get back the same
 * value: it is quoted only if it must be, and line feeds are written as `\n` in double quotes. A value with all
 * three kinds of quotes cannot be quoted, and is written as it is.
 */
export function dotenvLine(name: string, value: string): string {
  if (/^[\w./:@%+,=-]*$/.test(value)) return `${name}=${value}`
  if (value.includes('\n')) return `${name}="${value.replaceAll('\n', '\\n')}"`
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark)) ?? ''
  return `${name}=${quote}${value}${quote}`
}

/** A line that sets a variable, and its value. */
const ASSIGNMENT = /^\s*(?:export\s+)?[^\s=#]+\s*=\s*(.*)$/

/**
 * The numbers of the lines, from 1, that are neither empty, nor a comment, nor NAME=value. A quoted value may have
 * several lines.
 */
export function strayLinesOf(text: string): readonly number[] {
  const lines = text.split(/\r\n|\r|\n/)
  const stray: number[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const [, value] = ASSIGNMENT.exec(line) ?? []
    if (value === undefined) {
      if (!/^\s*(?:#|$)/.test(line)) stray.push(at + 1)
      continue
    }
    const quote = value.charAt(0)
    if (!/["'`]/.test(quote) || value.includes(quote, 1)) continue
    const end = lines.findIndex((one, index) => index > at && one.includes(quote))
    // Without an end, the value is this line.
    if (end > 0) at = end
  }
  return stray
}

/** How many lines are named at most: a file of another kind has many. */
const MOST_NAMED = 5

/** Warnings about lines of `.env` that are ignored. The lines may hold secrets, and are not shown. */
export function strayLineWarnings(lines: readonly number[]): readonly string[] {
  const [first, ...others] = lines
  if (first === undefined) return []
  if (others.length === 0) return [`line ${first} of .env is not NAME=value, and is ignored`]
  const named = `${lines.slice(0, MOST_NAMED).join(', ')}${lines.length > MOST_NAMED ? ' and others' : ''}`
  return [`lines ${named} of .env are not NAME=value, and are ignored`]
}
