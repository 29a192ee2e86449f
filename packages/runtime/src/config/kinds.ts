import { isIP } from 'node:net'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { type Algorithm, type ExtraParams, Secret } from '@guestpass/core'
import * as options from '@guestpass/core/options'
import { ALGORITHMS, isLoopback, pemKeys, reservedParams, signingSecretFault } from '@guestpass/core/runtime-kit'
import { asGuestpassError, isWholeAddress } from '@guestpass/core/store-kit'
import * as z from 'zod'

/** A written value in quotes, cut to 60 characters. Only for kinds that cannot hold a secret. */
const quoted = (written: unknown): string => {
  const text = String(written)
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/**
 * A kind whose values are made of texts. `make` gives undefined for a text that cannot be used; `wrong` says
 * why.
 */
const parsedBy = <T>(
  make: (text: string) => T | undefined,
  wrong: string | ((text: string) => string),
): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const value = make(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: typeof wrong === 'string' ? wrong : wrong(text) })
    return z.NEVER
  })

/** The type of a kind's value in a program. Default: a text. */
export type Form = 'text' | 'number' | 'boolean' | 'list' | 'params'

/** The type that a program gives for a setting of this kind. */
export const formOf = (kind: z.ZodType): Form => {
  const form = kind.meta()?.['form']
  return form === undefined ? 'text' : (form as Form)
}

/** A kind whose value in a program is not a text. */
const withForm = <K extends z.ZodType<unknown, string>>(form: Form, kind: K): K => kind.meta({ form })

const parts = (text: string, separator: RegExp): readonly string[] =>
  text.split(separator).filter((part) => part !== '')

/** Makes a value of every part. Gives undefined if one cannot be used, or if there is none. */
function each<T>(items: readonly string[], make: (item: string) => T | undefined): readonly T[] | undefined {
  const values = items.map(make).filter((value) => value !== undefined)
  return values.length === items.length && values.length > 0 ? values : undefined
}

export const text = z.string()

export const secret = z.string().transform((value) => new Secret(value))

/** Parses one of several words, written in any case, to the word as it is given here. */
export const oneOf = <const W extends string>(...words: readonly W[]): z.ZodType<W, string> =>
  parsedBy(
    (written) => words.find((word) => word === written.toLowerCase()),
    (written) => `${quoted(written)} is none of ${words.join(', ')}`,
  )

/** Parses a whole number from `least` to `most`, both included, of at most 15 decimal digits. */
export const whole = (least: number, most: number): z.ZodType<number, string> =>
  withForm(
    'number',
    parsedBy(
      (written) =>
        /^\d{1,15}$/.test(written) && Number(written) >= least && Number(written) <= most ? Number(written) : undefined,
      (written) => `${quoted(written)} is not a whole number from ${least} to ${most}`,
    ),
  )

const yes = ['true', '1', 'yes', 'on']
const no = ['false', '0', 'no', 'off']

/** Parses true, 1, yes or on to true, and false, 0, no or off to false, in any case. */
export const yesNo: z.ZodType<boolean, string> = withForm(
  'boolean',
  parsedBy(
    (written) => (yes.includes(written.toLowerCase()) ? true : no.includes(written.toLowerCase()) ? false : undefined),
    (written) => `${quoted(written)} is neither true nor false`,
  ),
)

/** Scopes, each a scope-token of RFC 6749, 3.3. */
export const scopes: z.ZodType<readonly string[], string> = withForm(
  'list',
  parsedBy(
    (written) => each(parts(written, /[\s,]+/), (scope) => (options.isScope(scope) ? scope : undefined)),
    (written) => `${quoted(written)} is not a list of scopes`,
  ),
)

/**
 * The signature algorithm of a name, in any case; undefined if it is not accepted. Ed25519 is EdDSA (RFC
 * 9864).
 */
export const algorithmOf = (written: string): Algorithm | undefined => {
  const name = written.toUpperCase() === 'ED25519' ? 'EDDSA' : written.toUpperCase()
  return ALGORITHMS.find((known) => known.toUpperCase() === name)
}

export const algorithms: z.ZodType<readonly Algorithm[], string> = withForm(
  'list',
  parsedBy(
    (written) => each(parts(written, /[\s,]+/), algorithmOf),
    (written) => `${quoted(written)} is not a list of ${ALGORITHMS.join(', ')}`,
  ),
)

export const uuid: z.ZodType<string, string> = parsedBy(
  (written) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(written) ? written.toLowerCase() : undefined),
  (written) => `${quoted(written)} is not a UUID`,
)

/** Whether requests to an address are not encrypted: plain http to another machine. */
export const isPlainHttp = (address: string): boolean => {
  const { protocol, hostname } = new URL(address)
  return protocol === 'http:' && !isLoopback(hostname)
}

const addressOf = (written: string): string | undefined => {
  if (!/^https?:\/\/[^\s\\#]+$/i.test(written) || !URL.canParse(written)) return undefined
  const { username, password, href } = new URL(written)
  return username || password ? undefined : href
}

/** A web address without credentials or fragment. A fault never repeats it, because it may hold a key. */
export const address: z.ZodType<string, string> = parsedBy(
  addressOf,
  'is not an https:// or http:// address without credentials and fragment',
)

/** A web address that is encrypted or local: https, or http on loopback. */
export const safeAddress: z.ZodType<string, string> = parsedBy((written) => {
  const found = addressOf(written)
  return found && !isPlainHttp(found) ? found : undefined
}, 'is not an https:// address (http:// only on loopback) without credentials and fragment')

/** PEM as it is written in a setting: `\n` may stand for the ends of its lines. */
const pemText = (written: string): string => written.replaceAll('\\n', '\n').replaceAll('\r\n', '\n').trim()

/** Public keys as PEM, in one or more blocks. */
export const publicKey: z.ZodType<string, string> = z.string().transform((written, context) => {
  const pem = pemText(written)
  try {
    for (const { jwk } of pemKeys(pem)) createPublicKey({ key: jwk, format: 'jwk' })
    return pem
  } catch (thrown) {
    const { message: why = 'its numbers make no key', remedy } = asGuestpassError(thrown).fields?.[0] ?? {}
    context.addIssue({ code: 'custom', message: `is not a public key that can be used: ${why}`, params: { remedy } })
    return z.NEVER
  }
})

/** Why a private key cannot be used; undefined if it can. */
function privateKeyFault(pem: string): string | undefined {
  if (!pem.startsWith('-----BEGIN PRIVATE KEY-----'))
    return pem.includes('PRIVATE KEY-----')
      ? 'is not in PKCS #8 without a password: convert it with openssl pkcs8 -topk8 -nocrypt'
      : 'is not a private key in PEM'
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem)
    if (type === 'rsa' || type === 'rsa-pss') {
      if (type === 'rsa-pss' && (details?.hashAlgorithm ?? 'sha256') !== 'sha256')
        return 'is an RSA-PSS key for another hash than SHA-256'
      return (details?.modulusLength ?? 0) < 2048 ? 'is an RSA key of less than 2048 bits' : undefined
    }
    if (type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return undefined
    return `is a key of a kind that is not taken (${type})`
  } catch {
    return 'cannot be read as a private key'
  }
}

/** A private key of an OAuth client as PEM. */
export const privateKey: z.ZodType<Secret, string> = z.string().transform((written, context) => {
  const pem = pemText(written)
  const message = privateKeyFault(pem)
  if (message === undefined) return new Secret(pem)
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Free parameters, written as a query. A fault never repeats their values, because they may hold a key. */
export const params = (of: 'authorize' | 'token'): z.ZodType<ExtraParams, string> =>
  withForm(
    'params',
    z.string().transform((written, context) => {
      const query = new URLSearchParams(written)
      // From entries, so that `constructor` and other names of every object are names like others.
      const found = Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)]))
      const reserved = reservedParams(of, found)
      const isQuery = written.split('&').every((pair) => /^[^=&\s]+=[^\s]*$/.test(pair))
      if (isQuery && reserved.length === 0) return found
      const message = isQuery
        ? `sets ${reserved.join(', ')}, which must not be among free parameters`
        : 'is not name=value, joined by &'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  )

/** Names or addresses of hosts, each with a port or without. */
export const hostNames: z.ZodType<readonly string[], string> = withForm(
  'list',
  parsedBy(
    (written) =>
      each(parts(written, /[\s,]+/), (host) =>
        /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host) ? host.toLowerCase() : undefined,
      ),
    (written) => `${quoted(written)} is not a list of hosts`,
  ),
)

const isNetwork = (written: string): boolean => {
  const [host = '', bits, ...more] = written.split('/')
  const version = isIP(host)
  return version > 0 && more.length === 0 && (bits === undefined || isPrefixLength(bits, version === 4 ? 32 : 128))
}
const isPrefixLength = (written: string, most: number): boolean => /^\d{1,3}$/.test(written) && Number(written) <= most

/** Addresses of hosts, or networks as 10.0.0.0/8. */
export const networks: z.ZodType<readonly string[], string> = withForm(
  'list',
  parsedBy(
    (written) => each(parts(written, /[\s,]+/), (one) => (isNetwork(one) ? one : undefined)),
    (written) => `${quoted(written)} is not a list of addresses or networks`,
  ),
)

/** Origins of pages (RFC 6454): scheme, host and port. */
export const origins: z.ZodType<readonly string[], string> = withForm(
  'list',
  parsedBy(
    (written) =>
      each(parts(written, /[\s,]+/), (one) =>
        /^https?:\/\//.test(one) && URL.canParse(one) && new URL(one).origin === one.toLowerCase().replace(/\/$/, '')
          ? new URL(one).origin
          : undefined,
      ),
    (written) => `${quoted(written)} is not a list of origins`,
  ),
)

const base64Bytes = (written: string): number | undefined => {
  const bytes = Buffer.from(written, 'base64')
  return bytes.toString('base64') === written ? bytes.length : undefined
}

/** AES-256 keys: base64 of 32 bytes each. */
export const encryptionKeys: z.ZodType<readonly Secret[], string> = withForm(
  'list',
  parsedBy(
    (written) => each(parts(written, /[\s,]+/), (key) => (base64Bytes(key) === 32 ? new Secret(key) : undefined)),
    'does not hold base64 of 32 bytes',
  ),
)

function secretFault(written: string): string | undefined {
  const fault = signingSecretFault(new Secret(written))
  return fault?.includes('masked')
    ? `${fault}; while this is not set, \`guestpass webhooks list --reveal\` shows the secret`
    : fault
}

/** Signing secrets as Standard Webhooks writes them. */
export const webhookSecrets: z.ZodType<readonly Secret[], string> = withForm(
  'list',
  parsedBy(
    (written) =>
      each(parts(written, /[\s,]+/), (one) => (secretFault(one) === undefined ? new Secret(one) : undefined)),
    (written) =>
      parts(written, /[\s,]+/)
        .map((one) => secretFault(one))
        .find((fault) => fault !== undefined) ?? 'is empty',
  ),
)

/** What an API key may do. */
export const apiKeyRoles = ['issuer', 'verifier', 'operator', 'auditor', 'metrics', 'connection'] as const

/** A role of an API key: what it may do. */
export type ApiKeyRole = (typeof apiKeyRoles)[number]

/** A key of the service: what it may do, for which connection, and with whom it shares its guests. */
export interface ApiKey {
  readonly role: ApiKeyRole
  readonly connection: string
  readonly group?: string
  readonly key: Secret
}

function apiKeyOf(written: string): ApiKey | undefined {
  const words = written.split(':').map((word) => word.trim())
  const role = apiKeyRoles.find((known) => known === words[0])
  const key = words.at(-1)
  if (!role || !key || words.length < 2 || words.length > 4 || words.includes('')) return undefined
  // No header of a request can carry it.
  if (!/^[!-~]+$/.test(key)) return undefined
  const [connection = 'default', group] = words.slice(1, -1)
  return { role, connection, ...(group ? { group } : {}), key: new Secret(key) }
}

export const apiKeys: z.ZodType<readonly ApiKey[], string> = parsedBy(
  (written) => each(parts(written, /\s*,\s*/), apiKeyOf),
  `does not hold role:key, role:connection:key or role:connection:group:key with a role of ${apiKeyRoles.join(', ')}`,
)

/** A database. `place` may be shown; the address of PostgreSQL may hold a password. */
type Database =
  | { readonly kind: 'memory'; readonly place: string }
  | { readonly kind: 'file'; readonly path: string; readonly place: string }
  | { readonly kind: 'postgres'; readonly url: Secret; readonly place: string }

/** Keywords of libpq, as `host=db user=ann`. As a path, it would show its password. */
const isKeywords = (written: string): boolean => /(?:^|\s)(?:host|hostaddr|dbname|user|password)\s*=/.test(written)

/** The host and port of a server without a scheme. A file whose name has a colon is given as `./host:5432`. */
const isHostAndPort = (written: string): boolean => /^[\w.-]{2,}:\d+(?:\/|$)/.test(written)

const isPostgresScheme = (written: string): boolean => /^postgres(?:ql)?:/i.test(written)

/** Several hosts, as libpq takes them. The driver would take them for one name. */
const hasSeveralHosts = (written: string): boolean =>
  /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?[^/?#@]*,[^/?#@]*(?:[/?#]|$)/i.test(written)

const DATABASE_URL = 'postgres://user:password@host:5432/database'

/** Why a text names no database. It never holds the text, which may have a password. */
function databaseFault(written: string): string {
  if (isKeywords(written)) return `is a list of keywords: write them as an address, ${DATABASE_URL}`
  if (isHostAndPort(written)) return `is a host without postgres:// before it: write ${DATABASE_URL}`
  if (hasSeveralHosts(written))
    return `has several hosts: give one name that follows the primary, as a cluster address of the provider, HAProxy or PgBouncer has`
  return isPostgresScheme(written)
    ? `is no address as ${DATABASE_URL}: special characters of user and password are encoded, as %40 for @, %2F for /, %3F for ?, %23 for #, %25 for %`
    : `is neither the path of a file nor an address as ${DATABASE_URL}`
}

function databaseOf(written: string): Database | undefined {
  if (isKeywords(written) || isHostAndPort(written) || hasSeveralHosts(written)) return undefined
  const scheme = /^([a-z][a-z\d+.-]+):/i.exec(written)?.[1]?.toLowerCase()
  if (!scheme) return { kind: 'file', path: written, place: written }
  if (written.toLowerCase() === 'memory:') return { kind: 'memory', place: 'memory' }
  if (!isPostgresScheme(written) || !URL.canParse(written)) return undefined
  const parsed = new URL(written)
  const { host, pathname } = parsed
  return host && isWholeAddress(parsed)
    ? { kind: 'postgres', url: new Secret(written), place: `postgres://${host}${pathname}` }
    : undefined
}

export const database: z.ZodType<Database, string> = parsedBy(databaseOf, databaseFault)
