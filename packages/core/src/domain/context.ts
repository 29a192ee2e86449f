import { type Millis, SECOND } from './time.ts'

/** The last argument of every public method: who asks, for which request, and how long the caller waits. */
export interface Context {
  /** Who asks, in events: `cli`, an API key's id. Default `library`. */
  readonly actor?: string | undefined
  /** Joins the events of one request. Default: a new UUID. */
  readonly correlationId?: string | undefined
  /** Ends this caller's wait alone. Work that other callers share goes on. */
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, in milliseconds, more than 0. Default: as the method says, or 30 s. */
  readonly patienceMs?: Millis | undefined
}

/** The longest time of a shared call, unless its caller waits longer. */
const DEFAULT_PATIENCE: Millis = 30 * SECOND

/**
 * The context of a call that must not be cut off, because other callers wait for it too, or its answer is
 * given only once. A caller who waits longer than 30 s lets it last longer. A signal or a short patience ends
 * that caller's wait alone.
 */
export function uncancellable({ signal: _own, patienceMs = 0, ...rest }: Context): Omit<Context, 'signal'> {
  return patienceMs > DEFAULT_PATIENCE ? { ...rest, patienceMs } : rest
}
