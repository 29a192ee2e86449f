import type { Millis } from './time.ts'

/** Who asks, for which request, and how long the caller waits: the last argument of every public method. */
export interface Context {
  /** Who asks, in events: `cli`, an API key's id. Default `library`. */
  readonly actor?: string | undefined
  /** Joins the events of one request. Default: a new UUID. */
  readonly correlationId?: string | undefined
  /** Ends this caller's wait, and nothing else. */
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, in milliseconds, more than 0. Default 30 s. */
  readonly patienceMs?: Millis | undefined
}
