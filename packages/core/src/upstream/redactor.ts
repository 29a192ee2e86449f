import type { Secret } from '../domain/secret.ts'
import { decodeText } from './decode-text.ts'
import { oneLine, redactValues } from './redact-values.ts'

/** Makes foreign text fit to show. */
export type Redact = (value: string, most: number) => string

/** Characters that are read of a text. What is shown is far shorter. */
const READ = 65_536

const isUuid = (word: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(word)

/**
 * The parts of a name must be at least this long on average. Of random letters of both cases every second one
 * begins a part.
 */
const PART = 5

/**
 * Whether a long word is a name, as `expirationDurationSeconds` or `customAttributes.preferredLanguageCode`.
 */
const isName = (word: string): boolean =>
  /^[A-Za-z]+(\.[A-Za-z]+)*$/.test(word) && word.split(/(?=[A-Z])|\./).length * PART <= word.length

/**
 * One line, not longer than `most`, decoded, without the secrets and the personal texts of the request in any
 * case and encoding, JSON members named like secrets, mail addresses, and long words that could be a secret
 * of another origin (24 or more characters with a digit or a capital among them; UUIDs and names stay). Only
 * the first 64 Ki characters are read.
 */
export function createRedactor(secrets: readonly Secret[]): Redact {
  return (value, most) =>
    redactValues(oneLine(decodeText(value.slice(0, READ))), secrets)
      .replaceAll(/("[^"]{0,40}(?:token|secret|password|device_?code|verifier)[^"]{0,40}" ?: ?")[^"]+/gi, '$1[removed]')
      .replaceAll(/[^\s"'<>(),;:=&]+/g, (word) => (/@|%40/.test(word) ? '[removed]' : word))
      .replaceAll(/[\w+/=.~-]{24,}/g, (word) =>
        /[0-9A-Z]/.test(word) && !isUuid(word) && !isName(word) ? '[removed]' : word,
      )
      .slice(0, most)
      .trim()
}

/** The beginning of a body without the tags of a page. */
export const excerptOf = (text: string, clean: Redact, most: number): string =>
  clean(text.slice(0, READ).replaceAll(/<[^<>]*>/g, ' '), Number.POSITIVE_INFINITY)
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
    .slice(0, most)
    .trim()
