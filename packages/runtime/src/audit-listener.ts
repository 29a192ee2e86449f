import { type AuditRecord, type Clock, GuestpassError } from '@guestpass/core'
import { abortable, type Sink, stopwatch } from '@guestpass/core/runtime-kit'
import { auditRecord, type DueMessage, type Outcome, SECOND } from '@guestpass/core/store-kit'
import { endsWithin } from './time-limit.ts'

/** Gets audit records. Where it throws, rejects or has not ended after 20 s, the record comes again later. */
export type AuditListener = (record: AuditRecord) => void | Promise<void>

/** The queue of records for the listeners of a connection. */
export const auditListenerQueue = (connection: string): string => `audit-listener:${connection}`

/** The listeners of a connection in this process, and the turns in which they get records. */
export interface AuditListeners {
  readonly all: Set<AuditListener>
  /** Runs work after the work that came before it has ended. */
  runInOrder<T>(work: () => Promise<T>): Promise<T>
}

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

/** What a batch of records may take, and each of them; the rest is left to the next one. Shorter than the lease of its claim. */
const BUDGET = 20 * SECOND

const listenerTimeout = (): GuestpassError =>
  new GuestpassError('output_failed', `The audit listener did not end within ${BUDGET / SECOND} s.`)

/**
 * The sink that gives audit records to the listeners of this process, one record after the other. `onFault`: of a listener that threw,
 * rejected, or did not end within 20 s; the record is given to all of them once more, after a back-off.
 */
export function auditListenerSink(
  connection: string,
  { all, runInOrder: inTurn }: AuditListeners,
  { clock, onFault }: { readonly clock: Clock; readonly onFault: (fault: unknown) => void },
): Sink {
  const give = async ({ event }: DueMessage): Promise<void> => {
    const record = auditRecord(event)
    for (const listener of all) await listener(record)
  }

  async function one(due: DueMessage, signal: AbortSignal): Promise<Outcome | undefined> {
    try {
      // One that never ends would hold all further records back.
      await abortable(async () => {
        if (!(await endsWithin(BUDGET, give(due), clock))) throw listenerTimeout()
      }, signal)
      return { event: due.event.id, then: 'done' }
    } catch (thrown) {
      if (signal.aborted) return { event: due.event.id, then: 'release' }
      onFault(thrown)
      return undefined
    }
  }

  async function batch(due: readonly DueMessage[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const elapsed = stopwatch(clock)
    const outcomes: Outcome[] = []
    let hasFailed = false
    for (const message of due) {
      if (hasFailed || signal.aborted || elapsed() > BUDGET) {
        outcomes.push({ event: message.event.id, then: 'release' })
        continue
      }
      const outcome = await one(message, signal)
      // What is said nothing of is tried again later, longer after every time.
      if (outcome) outcomes.push(outcome)
      else hasFailed = true
    }
    return outcomes
  }

  return {
    name: auditListenerQueue(connection),
    // Several relays may have claimed records of the connection: those claimed first come first.
    deliver: (due, signal) =>
      abortable(() => inTurn(() => batch(due, signal)), signal).catch(() =>
        due.map(({ event }): Outcome => ({ event: event.id, then: 'release' })),
      ),
  }
}
