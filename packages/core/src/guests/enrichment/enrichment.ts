import { documentKind } from '../../domain/document-kinds.ts'
import { type Millis, SECOND } from '../../domain/time.ts'
import type { DocumentWrite } from '../../ports/store.ts'
import { repeatUntilAborted, type StoredWorker, type WorkerObserver } from '../../ports/worker.ts'
import { createKeyedLock, type KeyedLock } from '../../tokens/renewal/keyed-lock.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import { type CrmLookup, lookUpCustomer } from './crm-lookup.ts'
import { enrichGuest, type EnrichGuestParts, FIRST, type PendingEnrichment } from './enrich-guest.ts'

type EnrichmentParts = Omit<EnrichGuestParts, 'ports'>

/**
 * Completes guests in the background: asks the CRM for the customer, and sends the attributes upstream. What
 * fails is stored and tried again. `run` does the work that is due and reports each guest that fails. The
 * backlog is the guests that have work left.
 */
export interface Enrichment extends StoredWorker {
  /**
   * Asks the CRM for the customer of an address. Never rejects: a failure is an outcome, because a guest
   * needs no CRM.
   */
  askCrm(email: string): Promise<CrmLookup>
  /**
   * Makes the write of the work that is left for a guest, to be committed with the guest. The work is due soon
   * after, so that another process does it if this one ends. `lookup`: the result of `askCrm`. `isNew`: the
   * guest is new, so that no stored work is looked for; default false.
   */
  pendingWrite(guestId: string, lookup: CrmLookup, isNew?: boolean): Promise<DocumentWrite>
  /** Starts the work on a guest in the background, after its commit. Never throws. */
  start(guestId: string): void
  /**
   * Does the work that is due, and waits for started work. Resolves to the number of guests that have no work
   * left. Rejects with the error of the store.
   */
  drain(signal: AbortSignal): Promise<number>
}

/** The longest pause when nothing is due, because another process may store work meanwhile. */
const IDLE: Millis = SECOND
/** Guests worked on at once. */
const AT_ONCE = 10
/** The work on them rarely takes longer. After it another process may do what is left. */
const LEASE: Millis = 30 * SECOND

interface WorkerParts extends EnrichGuestParts {
  readonly lock: KeyedLock
  readonly underway: Set<Promise<boolean>>
}

export function createEnrichment(parts: EnrichmentParts, ports: RenewalPorts): Enrichment {
  const { connection } = parts
  const { store, clock } = ports
  const worker: WorkerParts = { ...parts, ports, lock: createKeyedLock(connection, ports), underway: new Set() }
  return {
    askCrm: (email) => lookUpCustomer(worker, email),
    pendingWrite: (guestId, lookup, isNew) => pendingWrite(worker, guestId, lookup, isNew),
    start: (guestId) => void work(worker, guestId),
    backlog: (most) => store.countDocuments(connection, { kind: documentKind.enrichment, most }),
    async drain(signal) {
      const begun = await Promise.all(worker.underway)
      return begun.filter(Boolean).length + (await workDue(worker, signal)).done
    },
    async run(signal, observer) {
      await repeatUntilAborted(async (progress) => (await workDue(worker, signal, progress)).restMs, {
        clock,
        signal,
        observer,
      })
      await Promise.all(worker.underway)
    },
  }
}

async function pendingWrite(
  { connection, ports: { store, clock } }: WorkerParts,
  guestId: string,
  { outcome }: CrmLookup,
  isNew = false,
): Promise<DocumentWrite> {
  const { revision } = isNew ? { revision: 0 } : await store.document(connection, documentKind.enrichment, guestId)
  // Due only when the process that starts the work now has had time for it.
  const dueAt = clock.wall() + FIRST
  const value: PendingEnrichment = { put: true, crm: outcome === 'failed', attempts: 0 }
  return { kind: documentKind.enrichment, id: guestId, value: { ...value }, dueAt, expect: { revision } }
}

/** Works on one guest. Gives whether nothing is left to do. Never rejects. */
function work(worker: WorkerParts, guestId: string, claimed?: number, progress?: WorkerObserver): Promise<boolean> {
  const done = observed(worker, guestId, claimed, progress)
  worker.underway.add(done)
  void done.finally(() => worker.underway.delete(done))
  return done
}

async function observed(
  worker: WorkerParts,
  guestId: string,
  claimed: number | undefined,
  progress: WorkerObserver | undefined,
): Promise<boolean> {
  try {
    const { done, error } = await worker.lock(`enrich:${guestId}`, () => enrichGuest(worker, guestId, claimed))
    if (error) progress?.failed(error)
    else if (done) progress?.succeeded()
    return done
  } catch (thrown) {
    progress?.failed(thrown)
    return false
  }
}

/**
 * Does the work that is due. Gives the number of guests that have none left, and how long nothing will be
 * due.
 */
async function workDue(
  worker: WorkerParts,
  signal: AbortSignal,
  progress?: WorkerObserver,
): Promise<{ readonly done: number; readonly restMs: Millis }> {
  const { connection, ports } = worker
  for (let done = 0; ; ) {
    if (signal.aborted) return { done, restMs: 0 }
    const ask = { kind: documentKind.enrichment, max: AT_ONCE, leaseMs: LEASE }
    const { claimed, nextInMs = IDLE } = await ports.store.claimDueDocuments(connection, ask)
    const outcomes = await Promise.all(claimed.map(({ id, revision }) => work(worker, id, revision, progress)))
    done += outcomes.filter(Boolean).length
    if (claimed.length === 0) return { done, restMs: Math.min(nextInMs, IDLE) }
  }
}
