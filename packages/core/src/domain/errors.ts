import { isInstanceOfAnyCopy, markClass } from './marked-class.ts'
import { type Instant, iso } from './time.ts'

interface Entry {
  /** A short title, also of the problem document. */
  readonly title: string
  /** Status of the service's answer. */
  readonly status: number
  /** Exit code of the command line. */
  readonly exit: 1 | 2 | 3 | 4
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
}

/** Every error code, with its title, HTTP status and exit code. docs/errors.md is generated from it. */
export const errorCatalogue = {
  invalid_input: { title: 'The request is not valid', status: 400, exit: 2, retryable: false },
  config_invalid: { title: 'The configuration is not valid', status: 500, exit: 2, retryable: false },
  api_not_public: { title: 'This API is not offered on the public platform', status: 501, exit: 2, retryable: false },
  guest_unknown: { title: 'No such guest', status: 404, exit: 2, retryable: false },
  guest_revoked: { title: 'The guest was revoked', status: 410, exit: 2, retryable: false },
  guest_orphaned: {
    title: 'The session exists upstream and cannot be recovered',
    status: 409,
    exit: 3,
    retryable: false,
  },
  session_exists: { title: 'A session for this address and channel exists', status: 409, exit: 1, retryable: false },
  create_in_doubt: {
    title: 'It is not known whether the upstream made the guest',
    status: 503,
    exit: 1,
    retryable: true,
  },
  channel_unavailable: { title: 'The channel cannot be used', status: 422, exit: 3, retryable: false },
  connection_unknown: { title: 'No such connection', status: 404, exit: 2, retryable: false },
  sign_in_refused: { title: 'The sign-in was not accepted', status: 400, exit: 2, retryable: false },
  sign_in_denied: { title: 'The sign-in was denied', status: 403, exit: 3, retryable: false },
  webhook_unknown: { title: 'No such webhook endpoint', status: 404, exit: 2, retryable: false },
  webhook_failed: { title: 'The webhook endpoint did not take the event', status: 502, exit: 1, retryable: true },
  webhook_invalid: { title: 'The webhook message is not valid', status: 400, exit: 4, retryable: false },
  audit_broken: { title: 'The audit log was changed', status: 409, exit: 4, retryable: false },
  deadline_exceeded: { title: 'The time for this request ran out', status: 504, exit: 1, retryable: true },
  cancelled: { title: 'The caller cancelled the call', status: 499, exit: 1, retryable: true },
  circuit_open: {
    title: 'The circuit breaker is open: the upstream keeps failing',
    status: 503,
    exit: 1,
    retryable: true,
  },
  upstream_busy: { title: 'The upstream takes no more requests for now', status: 503, exit: 3, retryable: true },
  upstream_unavailable: {
    title: 'The upstream cannot be reached or is failing',
    status: 502,
    exit: 1,
    retryable: true,
  },
  upstream_garbled: {
    title: 'The upstream gave an answer that cannot be read',
    status: 502,
    exit: 1,
    retryable: false,
  },
  upstream_rejected: { title: 'The upstream refused the request', status: 502, exit: 3, retryable: false },
  client_rejected: { title: 'The upstream refused the client id or secret', status: 502, exit: 3, retryable: false },
  access_rejected: { title: 'The upstream refused the access token', status: 502, exit: 3, retryable: false },
  access_denied: { title: 'The upstream does not permit this', status: 502, exit: 3, retryable: false },
  scope_missing: { title: 'A scope that was asked for was not granted', status: 502, exit: 3, retryable: false },
  refresh_impossible: { title: 'The upstream cannot refresh this token', status: 502, exit: 3, retryable: false },
  token_invalid: { title: 'The token is not valid', status: 422, exit: 4, retryable: false },
  in_doubt: {
    title: 'It is not known whether the upstream acted on a request',
    status: 503,
    exit: 1,
    retryable: false,
  },
  needs_reauth: { title: 'The sign-in or the session of the guest has ended', status: 502, exit: 3, retryable: false },
  token_refused: { title: 'The upstream issued a token that does not verify', status: 502, exit: 4, retryable: false },
  keys_unavailable: { title: 'The signing keys are unavailable', status: 503, exit: 1, retryable: true },
  store_busy: { title: 'The store is busy', status: 503, exit: 1, retryable: true },
  store_unavailable: { title: 'The store cannot be used', status: 503, exit: 1, retryable: false },
  store_wrong_key: { title: 'The store was sealed with another key', status: 503, exit: 2, retryable: false },
  store_corrupt: { title: 'The store is damaged', status: 503, exit: 1, retryable: false },
  store_newer: { title: 'The store was written by a newer version', status: 503, exit: 1, retryable: false },
  import_running: { title: 'This file is being imported', status: 409, exit: 1, retryable: true },
  output_failed: { title: 'The output could not be written', status: 500, exit: 1, retryable: false },
  port_unavailable: { title: 'The port cannot be used', status: 500, exit: 1, retryable: false },
  api_key_invalid: { title: 'The API key is missing or not valid', status: 401, exit: 2, retryable: false },
  api_key_unknown: { title: 'No such API key', status: 404, exit: 2, retryable: false },
  role_missing: { title: 'The API key does not have the role', status: 403, exit: 2, retryable: false },
  quota_exceeded: { title: 'The API key has used up its quota', status: 429, exit: 1, retryable: true },
  idempotency_key_reused: {
    title: 'The Idempotency-Key was used for another request',
    status: 422,
    exit: 2,
    retryable: false,
  },
  request_in_progress: { title: 'The same request is in progress', status: 409, exit: 1, retryable: true },
  route_unknown: { title: 'No such route', status: 404, exit: 2, retryable: false },
  method_not_allowed: { title: 'The route has other methods', status: 405, exit: 2, retryable: false },
  body_too_large: { title: 'The body of the request is too large', status: 413, exit: 2, retryable: false },
  media_type_unsupported: { title: 'The body of the request is not JSON', status: 415, exit: 2, retryable: false },
  host_refused: { title: 'The request is for another host', status: 421, exit: 2, retryable: false },
  origin_refused: { title: 'The request is from the page of another origin', status: 403, exit: 2, retryable: false },
  service_busy: { title: 'The service takes no more requests for now', status: 503, exit: 1, retryable: true },
  internal: { title: 'An unexpected error occurred', status: 500, exit: 1, retryable: false },
} as const satisfies Record<string, Entry>

/** The code of a `GuestpassError`, as `invalid_input`. docs/errors.md explains each code. */
export type ErrorCode = keyof typeof errorCatalogue

/** A fault of one field of the input, in `GuestpassError.fields`. */
export interface Field {
  /** The path of the field, as `attributes.tier` or `hosts.region`. */
  readonly field: string
  /** What is wrong with the field, as a clause: `is missing`. */
  readonly message: string
  /** What to do, as a sentence. */
  readonly remedy: string
}

/** What an error shows of the upstream's answer: no body, and no secret. */
export interface UpstreamFacts {
  /** The HTTP status. */
  readonly status: number
  /** The upstream's own error code, as `invalid_client` or `bad.credentials`. */
  readonly code?: string
  /** The upstream's id of the request, for its support. */
  readonly requestId?: string
}

/** Facts of an error besides its code and message. */
export interface ErrorFacts {
  /** The time before which a retry fails again, on the wall clock. */
  readonly retryAt?: Instant
  /** The faults of single options or fields of a request. */
  readonly fields?: readonly Field[]
  /** What may be shown of the answer of the upstream. */
  readonly upstream?: UpstreamFacts
  /**
   * The cause as one word. Of a token: a reason of `verify`; of a channel: `channel`, `scope` or
   * `organisation`; of a sign-in: a `SignInReason`; of the upstream: `discovery` if only the discovery
   * document is unavailable; of an ended sign-in: `guest` if it is a guest's; of a lost answer: `process_ended`,
   * `revoked`, `erased` or `superseded`; of a refresh that is given up: `key_too_old`; of a store:
   * `disk_full`, `disk_failing` or `unreachable`.
   */
  readonly reason?: string
  /** Received tokens that could not be stored, in the caller's type. They are lost when the process ends. */
  readonly unsaved?: unknown
  readonly cause?: unknown
}

/** An error as a problem document (RFC 9457), with extension members. Made by `GuestpassError.toProblem`. */
export interface Problem {
  /** `urn:guestpass:error:` and the code. */
  readonly type: string
  /** What the code means: the same for every error of the code. */
  readonly title: string
  /** The HTTP status that a service answers with. */
  readonly status: number
  /** The message of the error. */
  readonly detail: string
  readonly code: ErrorCode
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  /** When to retry, as ISO 8601 in UTC. */
  readonly retryAt?: string
  readonly fields?: readonly Field[]
  readonly upstream?: UpstreamFacts
  readonly reason?: string
}

/** Reason of `store_unavailable`: the disk has no room. */
export const DISK_FULL = 'disk_full'
/** Reason of `store_unavailable`: the disk could not be read or written. */
export const DISK_FAILING = 'disk_failing'

/** Reason of `store_unavailable`: the server of the database is gone, read-only, or out of connections. */
export const UNREACHABLE = 'unreachable'

/** Reasons that make an error retryable although its code is not. */
const transientReasons: ReadonlySet<string | undefined> = new Set([DISK_FULL, DISK_FAILING, UNREACHABLE])

const MARK = 'guestpass.error'

/**
 * The class of all errors of this package. The message says what failed, in which call, and what to do. Compare
 * `code`, never the message. Errors of another copy of this package in the process are instances too.
 */
export class GuestpassError extends Error {
  static {
    markClass(this, MARK)
  }
  /** Errors of any copy of this package are instances. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstanceOfAnyCopy(this, MARK, value)
  }

  override readonly name = 'GuestpassError'
  readonly code: ErrorCode
  /** When to retry, in whole milliseconds since 1970: a retry before fails again. Absent if it is not known. */
  declare readonly retryAt?: Instant
  /** Every fault of the input, for `invalid_input` and `config_invalid`. */
  declare readonly fields?: readonly Field[]
  /** The upstream's answer, if it caused the error. */
  declare readonly upstream?: UpstreamFacts
  /** The cause as one word, as a `Reason` for `token_invalid`, or `disk_full` for `store_unavailable`. */
  declare readonly reason?: string
  /**
   * Received tokens that could not be stored: an `AccessToken`, or an issued guest. They are lost when the
   * process ends.
   */
  declare readonly unsaved?: unknown

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    if (facts.retryAt !== undefined) this.retryAt = Math.ceil(facts.retryAt)
    if (facts.fields) this.fields = facts.fields
    if (facts.upstream) this.upstream = facts.upstream
    if (facts.reason !== undefined) this.reason = facts.reason
    if (facts.unsaved !== undefined) this.unsaved = facts.unsaved
  }

  /**
   * Whether the same request may succeed later: by the code, or because the reason is transient, as a full
   * disk.
   */
  get retryable(): boolean {
    return errorCatalogue[this.code].retryable || transientReasons.has(this.reason)
  }

  /** The error as an RFC 9457 problem document. */
  toProblem(): Problem {
    const { title, status } = errorCatalogue[this.code]
    return {
      type: `urn:guestpass:error:${this.code}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      retryable: this.retryable,
      ...(this.retryAt === undefined ? {} : { retryAt: iso(this.retryAt) }),
      ...(this.fields ? { fields: this.fields } : {}),
      ...(this.upstream ? { upstream: this.upstream } : {}),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    }
  }
}

/**
 * Turns any thrown value into a `GuestpassError`: an abort into `cancelled`, others into `internal`, with the
 * cause.
 */
export function asGuestpassError(thrown: unknown): GuestpassError {
  if (thrown instanceof GuestpassError) return thrown
  if (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError'))
    return new GuestpassError('cancelled', 'The caller gave up.', { cause: thrown })
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new GuestpassError('internal', `Unforeseen: ${message}. Please report it.`, { cause: thrown })
}

/** The facts of an error with a cause: the cause, and the upstream's answer. */
export const causedBy = (cause: GuestpassError): Pick<ErrorFacts, 'cause' | 'upstream'> => ({
  cause,
  ...(cause.upstream ? { upstream: cause.upstream } : {}),
})
