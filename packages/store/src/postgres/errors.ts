import { type ErrorCode, GuestpassError } from '@guestpass/core'
import { DISK_FAILING, DISK_FULL, type Instant, SECOND, UNREACHABLE } from '@guestpass/core/store-kit'
import { namingPlace, textOf } from '../sql/store-errors.ts'

/** SQLSTATE codes (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
const SERIALIZATION = '40001'
const DEADLOCK = '40P01'
const LOCK_TIMEOUT = '55P03'
const CANCELLED = '57014'
const READ_ONLY = '25006'
const UNIQUE = '23505'

/** Errors after which the same transaction may succeed at once. */
const REPEATABLE: ReadonlySet<string> = new Set([SERIALIZATION, DEADLOCK, LOCK_TIMEOUT])

/**
 * Errors of a server that is stopped, restarting, failing over, read-only, out of connections or of memory, and of
 * a connection that was idle for too long in a transaction.
 */
const OUTAGE: ReadonlySet<string> = new Set([
  '25P03',
  READ_ONLY,
  '53000',
  '53200',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
])

/** Errors of sockets and name servers. */
const NETWORK = /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(?:HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN)$/
/** Errors of the driver, which have no code. */
const DRIVER =
  /^(?:Connection terminated|timeout e|Query read timeout|Client has encountered a connection error|Client was closed)/

/** The SQLSTATE, or the code of the system; empty if the error has none. */
export function codeOf(thrown: unknown): string {
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  if (typeof code === 'string') return code
  // Of several addresses of a host, all failed.
  return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : ''
}

/** Whether another transaction has stored the same event, or the first event of the chain, in the meantime. */
const isEventOfOther = (thrown: unknown): boolean => {
  const { constraint } = (thrown ?? {}) as { readonly constraint?: unknown }
  return codeOf(thrown) === UNIQUE && (constraint === 'events_by_id' || constraint === 'events_pkey')
}

/** Whether the same transaction may succeed at once: it met another one. */
export const isRepeatable = (thrown: unknown): boolean => REPEATABLE.has(codeOf(thrown)) || isEventOfOther(thrown)

/** Whether the same work may succeed if it is repeated: the server is gone, or other transactions are in the way. */
export const mayPass = (thrown: unknown): boolean => isOutage(thrown) || isRepeatable(thrown)

/** Whether transactions of several jobs block each other. Smaller ones do not. */
export const isDeadlock = (thrown: unknown): boolean => [DEADLOCK, LOCK_TIMEOUT].includes(codeOf(thrown))

/**
 * The error of a commit whose answer was lost, and whose id could not be asked for. It is not known whether the
 * commit took effect.
 */
export class UnknownCommit extends Error {
  constructor(cause: unknown) {
    super('It is not known whether the last change was stored.', { cause })
  }
}

/** Whether the server cannot be used at the moment. The connection that met the error is useless. */
export function isOutage(thrown: unknown): boolean {
  // PgBouncer gives most of its errors one code, also those that do not pass.
  if (meaningOfText(thrown) !== undefined) return false
  const code = codeOf(thrown)
  return OUTAGE.has(code) || /^08...$/.test(code) || NETWORK.test(code) || (code === '' && DRIVER.test(textOf(thrown)))
}

/** Throws the error of a server that takes no writes, as if a write had met it. */
export function failIfReadOnly(isReadOnly: boolean): void {
  if (isReadOnly) throw Object.assign(new Error('The server takes no writes.'), { code: READ_ONLY })
}

const RESTORE = 'Restore it from a backup, or give an empty database. It was not changed'
const ROLE = 'Check user and password of the address, and pg_hba.conf of the server'
const GRANT = 'Give the user of the address the rights to create and use tables'

/** The error code, message and remedy for a SQLSTATE. */
const meanings: Readonly<Record<string, readonly [ErrorCode, what: string, remedy: string]>> = {
  [SERIALIZATION]: ['store_busy', 'is changed by other processes all the time', 'Retry'],
  [DEADLOCK]: ['store_busy', 'is changed by other processes all the time', 'Retry'],
  [LOCK_TIMEOUT]: [
    'store_busy',
    'is locked by another process',
    'Retry. If that fails too, look for locks in pg_locks',
  ],
  [CANCELLED]: ['store_busy', 'did not answer in time', 'Retry. If that fails too, look at the load of the server'],
  '28000': ['store_unavailable', 'refuses the sign-in', ROLE],
  '28P01': ['store_unavailable', 'refuses the sign-in', ROLE],
  '3D000': ['store_unavailable', 'does not exist', 'Create it with createdb, or correct the address'],
  '42501': ['store_unavailable', 'cannot be used by this user', GRANT],
  '3F000': ['store_unavailable', 'has no schema for the tables of this user', GRANT],
  '42P01': ['store_corrupt', 'lacks a table', RESTORE],
  '42703': ['store_corrupt', 'lacks a column', RESTORE],
  XX001: ['store_corrupt', 'is damaged', RESTORE],
  XX002: ['store_corrupt', 'has a damaged index', 'Run reindex'],
}

const TLS = 'If the server demands TLS, add ?sslmode=verify-full to the address'
const CERTIFICATE =
  'Name the file of its authority with ?sslrootcert=FILE in the address, or in NODE_EXTRA_CA_CERTS. The certificate must be for the host of the address'

/** Errors of the driver, of TLS and of poolers, which have no SQLSTATE of their own, by their text. */
const textMeanings: readonly (readonly [says: RegExp, what: string, remedy: string])[] = [
  [
    /client password must be a/,
    'asks for a password',
    'Give it in the address: postgres://user:password@host:5432/database',
  ],
  [/no encryption$/, 'refuses the sign-in', `${TLS}. Otherwise check its user, and pg_hba.conf of the server`],
  [/does not support SSL/, 'cannot use TLS', 'Turn ssl of the server on, or remove sslmode from the address'],
  [
    /self-signed cert|unable to (?:verify|get)|certificate has expired|certificate's altnames/,
    'has a certificate that is not trusted',
    CERTIFICATE,
  ],
  [/^E[A-Z]+: .*, open /, 'cannot be used: its address names a file that cannot be read', 'Correct the path'],
  [
    /statement pooling mode/,
    'is behind a pooler in statement mode',
    'Set pool_mode of PgBouncer to transaction or session',
  ],
]

const meaningOfText = (thrown: unknown): (typeof textMeanings)[number] | undefined => {
  const text = textOf(thrown)
  return textMeanings.find(([says]) => says.test(text))
}

const otherCode = ['store_unavailable', 'failed', 'See the cause'] as const

const ADDRESS = 'check host and port of the address, and that the server runs'
const SERVER = 'check that the server runs, takes writes and has free connections'

/** The error of a server that cannot be used at the moment. It is retryable. */
const outageError = (place: string, thrown: unknown, now: Instant, more = ''): GuestpassError =>
  new GuestpassError(
    'store_unavailable',
    `The database ${place} cannot be used at the moment (${codeOf(thrown) || textOf(thrown)}).${more} Retry; if that fails too, ${NETWORK.test(codeOf(thrown)) ? ADDRESS : SERVER}.`,
    { reason: UNREACHABLE, retryAt: now + SECOND, cause: thrown },
  )

/** Maps an error of the driver to a `GuestpassError`. `place`: the address without a password. */
export function toStoreError(thrown: unknown, place: string, now: Instant): GuestpassError {
  if (thrown instanceof GuestpassError) return namingPlace(thrown, place)
  if (thrown instanceof UnknownCommit) return outageError(place, thrown.cause, now, ` ${thrown.message}`)
  if (isOutage(thrown)) return outageError(place, thrown, now)
  const code = codeOf(thrown)
  if (code === '53100')
    return new GuestpassError('store_unavailable', `The disk of the database ${place} is full. Free space on it.`, {
      reason: DISK_FULL,
      cause: thrown,
    })
  const ofText = meaningOfText(thrown)
  const [error, what, remedy] = ofText
    ? (['store_unavailable', ofText[1], ofText[2]] as const)
    : (meanings[code] ?? otherCode)
  return new GuestpassError(error, `The database ${place} ${what} (${textOf(thrown)}). ${remedy}.`, {
    cause: thrown,
    ...(code === '58030' ? { reason: DISK_FAILING } : {}),
    ...(error === 'store_busy' ? { retryAt: now + SECOND } : {}),
  })
}

const OLDEST = 15

/** Throws `store_unavailable` for a PostgreSQL that is too old. `version`: what its function `version` says. */
export function refuseOld(place: string, version: string): void {
  // Other databases that speak its protocol count in another way.
  const major = /^PostgreSQL (\d+)(?!\S*-YB)/.exec(version)?.[1]
  if (major === undefined || Number(major) >= OLDEST) return
  const message = `The server of the database ${place} is PostgreSQL ${major}. Upgrade it to ${OLDEST} or newer, or give a database of another server. It was not changed.`
  throw new GuestpassError('store_unavailable', message)
}

/** `why`: what follows the address, such as "is a database of another program". */
export const corruptStoreError = (place: string, why: string): GuestpassError =>
  new GuestpassError('store_corrupt', `The database ${place} ${why}. ${RESTORE}.`)

export const newerStoreError = (place: string, needed: string): GuestpassError =>
  new GuestpassError(
    'store_newer',
    `The database ${place} needs a newer version of Guestpass (it has ${needed}). Install that version, or use another database. It was not changed.`,
  )
