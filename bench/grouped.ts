/** A number with its digits in groups of three. */
export const grouped = (value: number): string => value.toLocaleString('en')
