import { decodeCanonicalBase64, encodeBase64 } from '../domain/base64.ts'
import type { OptionSchema } from '../domain/options.ts'
import { Secret } from '../domain/secret.ts'
import type { Random } from '../ports/random.ts'

const PREFIX = 'whsec_'
/** Bytes that Standard Webhooks allows in a secret. */
const [FEWEST, MOST] = [24, 64] as const

/**
 * Makes a signing secret for webhooks: `whsec_` and base64 of 32 random bytes. Sender and receiver need the
 * same one. `Webhooks.endpoints.add` makes one itself.
 *
 * `random`: the source of the bytes, as `nodePorts().random`.
 *
 * Source: https://www.standardwebhooks.com
 */
export const signingSecret = (random: Random): string => `${PREFIX}${encodeBase64(random.bytes(32))}`

/**
 * What is wrong with a signing secret, as a clause without a character of it; undefined when it is `whsec_`
 * and canonical base64 of 24 to 64 bytes, padded (RFC 4648, section 4).
 */
export function signingSecretFault(secret: Secret): string | undefined {
  const text = secret.reveal()
  if (text === '') return 'is empty'
  if (text.includes('…') || text.startsWith('gp_') || text === String(secret))
    return 'is the masked form of a secret, not the secret itself'
  if (!text.startsWith(PREFIX)) return 'does not begin with whsec_'
  const encoded = text.slice(PREFIX.length)
  if (/\s/.test(encoded)) return 'has blanks or line ends in it'
  if (!/^[A-Za-z\d+/]*={0,2}$/.test(encoded)) return 'has characters that base64 has not'
  const bytes = decodeCanonicalBase64(encoded)?.length
  if (bytes === undefined) return 'was cut short, or is no canonical base64: its end is not that of a whole text'
  if (bytes < FEWEST) return `was cut short: it has ${bytes} bytes, and ${FEWEST} are the least`
  return bytes > MOST ? `is too long: it has ${bytes} bytes, and ${MOST} are the most` : undefined
}

const REMEDY = 'Give whsec_ and base64 of 24 to 64 bytes.'

const asSecret = (one: unknown): Secret =>
  one instanceof Secret ? one : new Secret(typeof one === 'string' ? one : '')

/** A list of one signing secret or more. A wrong one is named by its place in the list, from 0. */
export const signingSecrets: OptionSchema = {
  remedy: REMEDY,
  faults(value, field) {
    if (typeof value === 'string')
      return [{ field, message: 'is a text, not a list', remedy: "Give a list: ['whsec_…']." }]
    if (!Array.isArray(value) || value.length === 0)
      return [{ field, message: 'is no list of one at least', remedy: REMEDY }]
    return value.flatMap((one: unknown, at) => {
      const message = signingSecretFault(asSecret(one))
      return message ? [{ field: `${field}[${at}]`, message, remedy: REMEDY }] : []
    })
  },
}

/** Checked signing secrets as `Secret`s. */
export const secretsOf = (given: readonly (string | Secret)[]): readonly Secret[] => given.map(asSecret)
