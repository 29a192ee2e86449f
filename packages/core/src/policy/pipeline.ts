import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import type { ErrorCode, GuestpassError, UpstreamFacts } from '../domain/errors.ts'

/** One upstream operation as the layers see it. */
export interface Call {
  readonly connection: string
  /** What is being done, in the words of a message to people: `generate-token`. Breakers keep one circuit per operation. */
  readonly operation: string
  /** What shares one limit of upstream: `token`, `api`. */
  readonly lane: string
  /** False when sending twice could do something twice. */
  readonly repeatable: boolean
  /** True when it must not be sent twice even where upstream proves that it did nothing. */
  readonly single?: boolean
  readonly signal: AbortSignal
  /** How long the caller waits for the whole operation, in milliseconds; absent: as the policy says. */
  readonly patienceMs?: Millis
  /** Milliseconds left for the whole operation, all tries and waits; Infinity without a deadline. Set by `deadline`. */
  readonly left: () => Millis
  /** The access token to send, where the operation needs one. Set by `authorize`. */
  readonly bearer?: Secret
  /** Tells the layers what the headers of an answer say. Set by `limit`; called by the one function that sends. */
  readonly notice: (answer: { readonly status: number; readonly headers: Readonly<Record<string, string>> }) => void
  /** Tells the layers that the request is sent now. Called by the one function that sends, directly before the first byte. */
  readonly sent: () => void
  /** Called by `retry` with the failure of a try, before it waits for the next one. */
  readonly failed: (failure: GuestpassError) => void
}

/** One try at the operation. It sends at most one request, and fails with a `TryFailure`. */
export type Attempt<T> = (call: Call) => Promise<T>

/** A layer that may delay, repeat, refuse or bound the attempt below it. */
export type Policy = <T>(next: Attempt<T>) => Attempt<T>

/** Layers as one policy, outermost first. */
export const pipeline =
  (...layers: readonly Policy[]): Policy =>
  <T>(next: Attempt<T>) =>
    layers.reduceRight<Attempt<T>>((inner, layer) => layer(inner), next)

/** What is known of a try that failed. */
export interface TryFacts {
  readonly code: ErrorCode
  /** `no`: upstream cannot have seen the request. `answered`: it said so itself. `unknown`: the answer was lost. */
  readonly sent: 'no' | 'answered' | 'unknown'
  readonly message: string
  readonly upstream?: UpstreamFacts
  /** How long upstream told us to wait; absent when it said nothing or nothing readable. */
  readonly retryAfterMs?: Millis
  /** Upstream works on the very same request: asking again is how to get its answer. */
  readonly again?: boolean
  /** A refused access token that is not renewed: a repeat would be refused as well. */
  readonly final?: boolean
  readonly cause?: unknown
}

/**
 * One try failed. It never leaves the pipeline: the `retry` layer repeats the try or turns it into a `GuestpassError`.
 * Any other error passes through all layers unrepeated.
 */
export class TryFailure extends Error {
  override readonly name = 'TryFailure'
  readonly facts: TryFacts

  constructor(facts: TryFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.facts = facts
  }
}

/** The call before any layer has touched it. */
export function openCall(of: {
  readonly connection: string
  readonly operation: string
  readonly lane: string
  readonly repeatable: boolean
  readonly single?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly patienceMs?: Millis | undefined
  readonly failed?: Call['failed'] | undefined
}): Call {
  return {
    connection: of.connection,
    operation: of.operation,
    lane: of.lane,
    repeatable: of.repeatable,
    ...(of.single ? { single: true } : {}),
    ...(of.patienceMs === undefined ? {} : { patienceMs: of.patienceMs }),
    signal: of.signal ?? new AbortController().signal,
    left: () => Number.POSITIVE_INFINITY,
    notice: () => {},
    sent: () => {},
    failed: of.failed ?? (() => {}),
  }
}
