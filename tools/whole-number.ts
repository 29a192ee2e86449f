/** Reads the value of an option as a whole number. Throws for any other text. */
export function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new TypeError(`--${option} is not a whole number: ${text}`)
}
