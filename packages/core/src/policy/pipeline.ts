import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import type { ErrorCode, GuestpassError, UpstreamFacts } from '../domain/errors.ts'
import type { FailedTry } from '../domain/events/tries.ts'

/** One upstream operation as the layers of a pipeline see it. */
export interface Call {
  readonly connection: string
  /** Name of the operation in messages, as `generate-token`. A breaker keeps one circuit for each. */
  readonly operation: string
  /** Names the upstream limit that the call counts against, as `token` or `api`. */
  readonly rateLimitKey: string
  /** False if sending the request twice could take effect twice. */
  readonly repeatable: boolean
  /** True if the request must not be sent twice, even where the upstream proves that it did nothing. */
  readonly isSingle?: boolean
  readonly signal: AbortSignal
  /** How long the caller waits for the whole operation, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis
  /**
   * Milliseconds left for the whole operation, all tries and waits. Infinity without a deadline. Set by
   * `deadline`.
   */
  readonly remainingMs: () => Millis
  /** The access token to send, where the operation needs one. Set by `authorize`. */
  readonly bearer?: Secret
  /** Gives the layers the headers of an answer. Set by `limit`, called by the one function that sends. */
  readonly onAnswer: (answer: Answer) => void
  /** Called by the one function that sends, directly before the first byte is written. Set by `timeout`. */
  readonly onSend: () => void
  /**
   * Called by `retry` with the failure of a try and how it ended, before it waits for the next one. Without `end`: a
   * try to get the access token of the call failed.
   */
  readonly onFailedTry: (failure: GuestpassError, end?: FailedTry) => void
}

/** Status and headers of an answer. The names of the headers are in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** Makes one try of a call. It sends at most one request, and fails with a `TryFailure`. */
export type CallHandler<T> = (call: Call) => Promise<T>

/** A layer that may delay, repeat, refuse or bound the calls of the handler below it. */
export type Policy = <T>(next: CallHandler<T>) => CallHandler<T>

/** Layers as one policy, outermost first. */
export const pipeline =
  (...layers: readonly Policy[]): Policy =>
  <T>(next: CallHandler<T>) =>
    layers.reduceRight<CallHandler<T>>((inner, layer) => layer(inner), next)

/** Facts of a failed try. */
export interface TryFacts {
  readonly code: ErrorCode
  /**
   * `no`: upstream cannot have seen the request. `answered`: it said so itself. `unknown`: the answer was
   * lost.
   */
  readonly sent: 'no' | 'answered' | 'unknown'
  readonly message: string
  readonly upstream?: UpstreamFacts
  /** How long the upstream asked to wait, in milliseconds. Absent if it said nothing, or nothing readable. */
  readonly retryAfterMs?: Millis
  /** The upstream still works on the same request: a repeat gets its answer. */
  readonly isInProgress?: boolean
  /** The access token was refused and is not renewed: a repeat would be refused as well. */
  readonly isFinal?: boolean
  readonly cause?: unknown
}

/**
 * One try failed. It never leaves the pipeline: the `retry` layer repeats the try or turns it into a
 * `GuestpassError`. Any other error passes through all layers unrepeated.
 */
export class TryFailure extends Error {
  override readonly name = 'TryFailure'
  readonly facts: TryFacts

  constructor(facts: TryFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.facts = facts
  }
}

/** Creates a call that no layer has changed yet. Default signal: one that never aborts. */
export function openCall(of: {
  readonly connection: string
  readonly operation: string
  readonly rateLimitKey: string
  readonly repeatable: boolean
  readonly isSingle?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly patienceMs?: Millis | undefined
  readonly onFailedTry?: Call['onFailedTry'] | undefined
}): Call {
  return {
    connection: of.connection,
    operation: of.operation,
    rateLimitKey: of.rateLimitKey,
    repeatable: of.repeatable,
    ...(of.isSingle ? { isSingle: true } : {}),
    ...(of.patienceMs === undefined ? {} : { patienceMs: of.patienceMs }),
    signal: of.signal ?? new AbortController().signal,
    remainingMs: () => Number.POSITIVE_INFINITY,
    onAnswer: () => {},
    onSend: () => {},
    onFailedTry: of.onFailedTry ?? (() => {}),
  }
}
