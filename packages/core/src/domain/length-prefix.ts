/**
 * Joins parts so that no two lists of parts give the same text: each part after its length in UTF-16 units.
 * Undefined differs from empty.
 */
export const lengthPrefixed = (parts: readonly (string | undefined)[]): string =>
  parts.map((part) => (part === undefined ? '-' : `${part.length}:${part}`)).join('')
