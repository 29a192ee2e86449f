/**
 * Characters that a terminal would act on, or would not show: control characters (C0, DEL, C1), direction
 * overrides, zero-width and other format characters, line and paragraph separators, and halves of surrogate
 * pairs.
 */
const unsafeCharacters = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/**
 * Escapes the characters that a terminal would act on as JSON does (`\u001b`). In a JSON text on one line
 * they occur only within strings, so that the document stays the same.
 */
export const escapeForTerminal = (text: string): string => text.replaceAll(unsafeCharacters, escaped)
