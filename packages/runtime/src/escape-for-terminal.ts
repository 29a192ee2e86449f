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
 * Escapes the characters that a terminal would act on, as `\u001b`, in text from outside that is printed. A JSON
 * text on one line can be escaped too: it keeps its meaning, because such characters occur only in its strings.
 */
export const escapeForTerminal = (text: string): string => text.replaceAll(unsafeCharacters, escaped)
