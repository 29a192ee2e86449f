import { type Millis, SECOND } from './time.ts'

/** The last argument of most methods: who calls, for which request, and how long the caller waits. */
export interface Context {
  /** Who calls, as events and audit records name it: `cli`, or the id of an API key. Default: `library`. */
  readonly actor?: string | undefined
  /** The id that the events of one request have in common. Default: a new UUID. */
  readonly correlationId?: string | undefined
  /** Ends the wait of this caller. Work that other callers share goes on. */
  readonly signal?: AbortSignal | undefined
  /**
   * How long the caller waits, in milliseconds, more than 0. Then the call rejects with `deadline_exceeded`.
   * Default: as the method says, else the deadline of each call to the upstream (30 s).
   */
  readonly patienceMs?: Millis | undefined
  /**
   * For whom the caller acts, as a tenant or the group of an API key. A guest that is issued belongs to this
   * owner; guests of other owners are not found. Default: the caller finds every guest, and new guests belong to
   * no owner, so that each owner finds them.
   */
  readonly owner?: string | undefined
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
