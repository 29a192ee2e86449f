/**
 * What a terminal would act on, or not show: control characters (C0, DEL, C1), direction overrides, zero-width and other format
 * characters, line and paragraph separators, and halves of surrogate pairs.
 */
const unsafeCharacters = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/**
 * A text with the characters that a terminal would act on escaped as JSON does it (`\u001b`). In a JSON text on one line they
 * stand within strings only, so that it stays the same document.
 */
export const escapeForTerminal = (text: string): string => text.replaceAll(unsafeCharacters, escaped)
