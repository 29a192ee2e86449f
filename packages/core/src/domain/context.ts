import { type Millis, SECOND } from './time.ts'

/** Who asks, for which request, and how long the caller waits: the last argument of every public method. */
export interface Context {
  /** Who asks, in events: `cli`, an API key's id. Default `library`. */
  readonly actor?: string | undefined
  /** Joins the events of one request. Default: a new UUID. */
  readonly correlationId?: string | undefined
  /** Ends this caller's wait, and nothing else. */
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, in milliseconds, more than 0. Default: as the method says, or 30 s. */
  readonly patienceMs?: Millis | undefined
}

/** How long a call lasts at most where its caller does not say more. */
const USUAL: Millis = 30 * SECOND

/**
 * The context of a call that must not be cut off, because others wait for it too or its answer is given only once. A caller who
 * waits longer than usual lets it last longer; a signal or a short patience ends that caller's wait alone.
 */
export function uncancellable({ signal: _own, patienceMs = 0, ...rest }: Context): Omit<Context, 'signal'> {
  return patienceMs > USUAL ? { ...rest, patienceMs } : rest
}
