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
