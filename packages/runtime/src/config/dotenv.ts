/**
 * A line of a `.env` file that reads back as it was, also in shells where no quoting is needed. Line feeds
 * are written as `\n`, which only double quotes turn back; a text that no quotes can hold is left as it is.
 */
export function dotenvLine(name: string, value: string): string {
  if (/^[\w./:@%+,=-]*$/.test(value)) return `${name}=${value}`
  if (value.includes('\n')) return `${name}="${value.replaceAll('\n', '\\n')}"`
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark)) ?? ''
  return `${name}=${quote}${value}${quote}`
}
