import { type AuditRecord, type Clock, GuestpassError } from '@guestpass/core'
import { abortable, type Sink, stopwatch } from '@guestpass/core/runtime-kit'
import { auditRecord, type DueMessage, type DeliveryOutcome, SECOND } from '@guestpass/core/store-kit'
import { endsWithin } from './time-limit.ts'

/**
 * Takes the audit records of a connection, one after the other. If it throws, rejects or has not ended after
 * 20 s, the record is given to it again later.
 */
export type AuditListener = (record: AuditRecord) => unknown

/** The queue of records for the listeners of a connection. */
export const auditListenerQueue = (connection: string): string => `audit-listener:${connection}`

/**
 * The listeners of a connection in this process, and the order in which batches of records are given to them.
 */
export interface AuditListeners {
  /** The listeners. Add to the set, or delete from it. */
  readonly all: Set<AuditListener>
  /** Runs work after all work of earlier calls has ended. Settles as the work does. */
  runInOrder<T>(work: () => Promise<T>): Promise<T>
}

/** Creates an empty set of listeners. */
export function createAuditListeners(): AuditListeners {
  let last: Promise<unknown> = Promise.resolve()
  return {
    all: new Set(),
    runInOrder(work) {
      const next = last.then(work)
      last = next.catch(() => {})
      return next
    },
  }
}

/**
 * How long a batch may take, and each record of it; records that are left wait for the next batch. Shorter
 * than the lease of a claim.
 */
const TIME_LIMIT = 20 * SECOND

const listenerTimeout = (): GuestpassError =>
  new GuestpassError('output_failed', `The audit listener did not end within ${TIME_LIMIT / SECOND} s.`)

interface ListenerParts {
  readonly clock: Clock
  /** Takes the error of a listener that threw, rejected, or did not end within 20 s. */
  readonly onFault: (fault: unknown) => void
}

/**
 * Creates the sink that gives audit records to the listeners of this process, one record after the other. If
 * a listener fails, the record is given to all of them once more, after a back-off.
 */
export const createAuditListenerSink = (connection: string, listeners: AuditListeners, parts: ListenerParts): Sink => ({
  name: auditListenerQueue(connection),
  // Several relays may have claimed records of the connection: those that were claimed first come first.
  deliver: (due, signal) =>
    abortable(() => listeners.runInOrder(() => deliverBatch(due, listeners, parts, signal)), signal).catch(() =>
      due.map(released),
    ),
})

const released = ({ event }: DueMessage): DeliveryOutcome => ({ event: event.id, then: 'release' })

async function deliverBatch(
  due: readonly DueMessage[],
  listeners: AuditListeners,
  parts: ListenerParts,
  signal: AbortSignal,
): Promise<readonly DeliveryOutcome[]> {
  const elapsed = stopwatch(parts.clock)
  const outcomes: DeliveryOutcome[] = []
  let hasFailed = false
  for (const message of due) {
    if (hasFailed || signal.aborted || elapsed() > TIME_LIMIT) {
      outcomes.push(released(message))
      continue
    }
    const outcome = await deliverOne(message, listeners, parts, signal)
    // A message without an outcome is tried again later, longer after every failure.
    if (outcome) outcomes.push(outcome)
    else hasFailed = true
  }
  return outcomes
}

async function deliverOne(
  message: DueMessage,
  { all }: AuditListeners,
  { clock, onFault }: ListenerParts,
  signal: AbortSignal,
): Promise<DeliveryOutcome | undefined> {
  const callAll = async (): Promise<void> => {
    const record = auditRecord(message.event)
    for (const listener of all) await listener(record)
  }
  try {
    // A listener that never ends would hold up all further records.
    await abortable(async () => {
      if (!(await endsWithin(TIME_LIMIT, callAll(), clock))) throw listenerTimeout()
    }, signal)
    return { event: message.event.id, then: 'done' }
  } catch (thrown) {
    if (signal.aborted) return released(message)
    onFault(thrown)
    return undefined
  }
}
