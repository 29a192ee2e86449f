import { wholeWordPattern, escapedPattern } from '../domain/pattern.ts'
import type { Secret } from '../domain/secret.ts'
import { decodeText } from './decode-text.ts'

const REMOVED = '[removed]'
/**
 * Shorter words are struck out only where no letter or digit touches them, because longer words have them as
 * parts.
 */
const SHORT = 6
/** How much of a text must be there before its cut end is taken for it. */
const LEAST_CUT = 4

/** One line: runs of blanks, controls and invisible characters are one blank. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')

/**
 * A text as an upstream may write it, beside upper and lower case: without accents, and in capitals that have
 * other lengths.
 */
function formsOf(secret: Secret): readonly string[] {
  const given = oneLine(secret.reveal().toWellFormed()).trim().normalize('NFC')
  const plain = oneLine(decodeText(given)).trim()
  const bare = plain.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return [...new Set([given, plain, bare, plain.toUpperCase()])].filter((form) => form !== '')
}

function patternOf(form: string): RegExp {
  const text = escapedPattern(form).replaceAll(' ', '[ +]+')
  const isShortWord = form.length < SHORT && /^[\p{L}\p{N}]+$/u.test(form)
  return new RegExp(isShortWord ? wholeWordPattern(text) : text, 'giu')
}

/**
 * Strikes texts out of a decoded line, in any case; also the beginning of one that was cut off at the end or
 * before an ellipsis.
 */
export function redactValues(line: string, texts: readonly Secret[]): string {
  const forms = [...new Set(texts.flatMap(formsOf))].sort((one, other) => other.length - one.length)
  const whole = forms.reduce((left, form) => left.replaceAll(patternOf(form), REMOVED), line)
  return forms.reduce(withoutCut, whole)
}

function withoutCut(line: string, form: string): string {
  if (form.length <= LEAST_CUT) return line
  return line
    .split(/(…|\.\.\.)/)
    .map((part) => {
      const cut = cutLength(part, form)
      return cut === 0 ? part : part.slice(0, part.length - cut) + REMOVED
    })
    .join('')
}

/**
 * How many characters at the end of a part are the beginning of the form, with the quotes and blanks behind
 * it.
 */
function cutLength(part: string, form: string): number {
  let last = part.length
  while (last > 0 && `"' `.includes(part.charAt(last - 1))) last -= 1
  const end = part.slice(Math.max(0, last - form.length), last).toLowerCase()
  const wanted = form.toLowerCase()
  for (let length = Math.min(end.length, wanted.length - 1); length >= LEAST_CUT; length -= 1)
    if (end.endsWith(wanted.slice(0, length))) return length + part.length - last
  return 0
}
