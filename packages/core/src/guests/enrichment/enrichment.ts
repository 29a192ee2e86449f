import type { Credential } from '../../domain/credential.ts'
import { aboutOf } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import {
  type CrmFailedData,
  type EnrichedData,
  guestEnriched,
  guestEnrichmentFailed,
} from '../../domain/events/guest-records.ts'
import type { Json } from '../../domain/json.ts'
import type { Secret } from '../../domain/secret.ts'
import { hasEnded } from '../../domain/plan.ts'
import { openProfile, type Profile, sealedProfile } from '../../domain/profile.ts'
import { type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { Meter } from '../../ports/meter.ts'
import type { DocumentWrite } from '../../ports/store.ts'
import { repeated, type StoredWorker, type WorkerObserver } from '../../ports/worker.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { Crm } from '../../upstream/crm/provider.ts'
import type { CrmProfile } from '../../upstream/crm/wire.ts'
import { personalTextsOf } from '../../upstream/personal-texts.ts'
import { mergedAttributes } from './attributes.ts'
import { createKeyedLock } from '../../tokens/renewal/keyed-lock.ts'
import { guestIds, redactIds } from '../events/redact-ids.ts'

/** What came of asking the CRM; `off`: there is none. */
export type CrmLookup =
  | { readonly outcome: 'found'; readonly profile: CrmProfile }
  | { readonly outcome: 'missing' | 'off' }
  | { readonly outcome: 'failed'; readonly error: GuestpassError }

/** What is left to do for a guest. */
interface PendingEnrichment {
  /** Upstream has yet to be given the attributes. */
  readonly put: boolean
  /** The CRM has yet to be asked. */
  readonly crm: boolean
  readonly attempts: number
}

export interface EnrichmentParts {
  readonly connection: string
  readonly meter: Meter
  readonly crm?: Crm | undefined
  /** Gives upstream the attributes of a guest. */
  readonly update: (
    guest: Credential,
    attributes: Readonly<Record<string, Json>>,
    about: readonly Secret[],
  ) => Promise<void>
}

/**
 * Fills in what is known of guests, beside the requests that wait for them: what cannot be done now is stored and done later. `run` does
 * what is due; what fails for a guest is reported. The backlog is the guests that something is left to do for.
 */
export interface Enrichment extends StoredWorker {
  /** Asks the CRM. Never rejects: without a CRM a guest is a guest all the same. */
  askCrm(email: string): Promise<CrmLookup>
  /** The work that a guest leaves, to be stored with it. `isNew`: nothing is left of an earlier guest of that id. */
  pendingWrite(guestId: string, lookup: CrmLookup, isNew?: boolean): Promise<DocumentWrite>
  /** Starts the work on a guest, which nobody waits for. */
  start(guestId: string): void
  /** Does what is due, and waits for what was begun; answers how many guests are done with. */
  drain(signal: AbortSignal): Promise<number>
}

/** What came of a pass over the work on a guest. */
interface Passed {
  /** Whether nothing is left. */
  readonly done: boolean
  readonly error?: GuestpassError | undefined
}

/** Kind of the documents that hold what is left to do, each under the guest's id. */
export const ENRICHMENT = 'enrichment'
/** The longest that it looks away when nothing is due: work may come in from other processes meanwhile. */
const IDLE: Millis = SECOND
/** Guests worked on at once. */
const AT_ONCE = 10
/** What the work on them takes at most, as a rule; then another process may do what is left. */
const LEASE: Millis = 30 * SECOND
/** Who asks, in events, where no caller waits. */
const WORKER = 'enrichment'
const FIRST: Millis = 5 * SECOND
const LONGEST: Millis = 10 * MINUTE
/** Tries after which a guest stays as it is: about two days. */
const MOST = 300

export function createEnrichment(parts: EnrichmentParts, ports: RenewalPorts): Enrichment {
  const { connection, meter } = parts
  const { store, clock, random } = ports
  const turn = createKeyedLock(connection, ports)
  const underWay = new Set<Promise<boolean>>()

  const lookup: Enrichment['askCrm'] = async (email) => {
    if (!parts.crm) return { outcome: 'off' }
    try {
      const profile = await parts.crm.profile(email)
      return profile ? { outcome: 'found', profile } : { outcome: 'missing' }
    } catch (thrown) {
      meter.count('crm_failed')
      return { outcome: 'failed', error: asGuestpassError(thrown) }
    }
  }

  /** What the events of enrichment share. */
  const eventParts = ({ subject, generation }: Credential) =>
    [
      aboutOf({ connection, subject }, { actor: WORKER }, random),
      { id: random.uuid(), at: clock.wall(), generation },
    ] as const

  const failedEvent = (
    guest: Credential,
    error: GuestpassError,
    latencyMs: Millis,
    data: EnrichedData | CrmFailedData,
  ): Event => {
    const [about, facts] = eventParts(guest)
    const shown = redactIds(error, guest.subject, guestIds(guest))
    return guestEnrichmentFailed(about, { ...facts, latencyMs, data, error: shown })
  }

  /** Asks the CRM again and keeps what it says; gives the guest as it then is. */
  async function asked(credential: Credential, revision: number): Promise<{ guest: Credential; lookup: CrmLookup }> {
    const profile = openProfile(credential.profile)
    const found = await lookup(profile['email'] as string)
    if (found.outcome !== 'found') return { guest: credential, lookup: found }
    const next: Credential = { ...credential, profile: sealedProfile(withCrm(profile, found.profile)) }
    const expect = { generation: credential.generation, revision }
    const outcome = await store.commit({ connection, writes: [{ credential: next, expect }] })
    if (outcome === 'done') return { guest: next, lookup: found }
    const error = new GuestpassError('store_busy', 'The guest changed meanwhile.')
    return { guest: credential, lookup: { outcome: 'failed', error } }
  }

  /**
   * One pass over what is left to do for a guest. `claimed`: the revision that it is claimed for; where
   * another one is there, another process has just worked on it.
   */
  async function pass(guestId: string, claimed: number | undefined): Promise<Passed> {
    const { value, revision } = await store.document(connection, ENRICHMENT, guestId)
    if (value === undefined) return { done: true }
    if (claimed !== undefined && claimed !== revision) return { done: false }
    const before = value as unknown as PendingEnrichment
    const found = await store.find(connection, guestId)
    const settle = (next: PendingEnrichment | undefined, events: readonly Event[], waitMs = 0): Promise<unknown> => {
      const later = next ? { value: { ...next }, dueAt: clock.wall() + waitMs } : {}
      const write = { kind: ENRICHMENT, id: guestId, expect: { revision }, ...later }
      return store.commit({ connection, documents: [write], events })
    }
    if (!found.credential || hasEnded(found.credential)) {
      await settle(undefined, [])
      return { done: true }
    }
    const elapsed = stopwatch(clock)
    // Whoever began the work has just asked the CRM.
    const again = before.crm && before.attempts > 0
    const { guest, lookup: said } = again
      ? await asked(found.credential, found.revision)
      : { guest: found.credential, lookup: undefined }
    const lookupMs = elapsed()
    const crm = said ? said.outcome === 'failed' : before.crm
    const put = before.put || said?.outcome === 'found'
    const { events, error } = put ? await given(guest) : { events: [] }
    if (!crm && !error) {
      await settle(undefined, events)
      return { done: true }
    }
    const attempts = before.attempts + 1
    const gap = said?.outcome === 'failed' ? said.error : NOT_ASKED
    const missing = crm ? [failedEvent(guest, gap, lookupMs, { api: guest.api, crm: 'failed', attempts })] : []
    const wait = Math.min(FIRST * 2 ** before.attempts, LONGEST) * (1 - random.float() / 4)
    const next: PendingEnrichment = { put: error !== undefined, crm, attempts }
    await settle(attempts < MOST ? next : undefined, [...events, ...missing], wait)
    return { done: attempts >= MOST, error: error ?? gap }
  }

  /** Gives upstream the attributes. */
  async function given(
    guest: Credential,
  ): Promise<{ readonly events: readonly Event[]; readonly error?: GuestpassError }> {
    const profile = openProfile(guest.profile)
    const { attributes, dropped } = mergedAttributes({
      attributes: profile.attributes ?? {},
      crm: profile.crm,
      consentTimestamp: guest.request?.['consentTimestamp'] as string | undefined,
    })
    const data: EnrichedData = { api: guest.api, crm: profile['crm'] === undefined ? 'none' : 'found', dropped }
    const elapsed = stopwatch(clock)
    try {
      await parts.update(guest, attributes, personalTextsOf(guest.profile))
      meter.count('guest_enriched')
      const [about, facts] = eventParts(guest)
      return { events: [guestEnriched(about, { ...facts, latencyMs: elapsed(), data })] }
    } catch (thrown) {
      meter.count('guest_enrichment_failed')
      const error = asGuestpassError(thrown)
      return { events: [failedEvent(guest, error, elapsed(), data)], error }
    }
  }

  const work = (guestId: string, claimed?: number, pieces?: WorkerObserver): Promise<boolean> => {
    const passed = async (): Promise<boolean> => {
      try {
        const { done, error } = await turn(`enrich:${guestId}`, () => pass(guestId, claimed))
        if (error) pieces?.failed(error)
        else if (done) pieces?.succeeded()
        return done
      } catch (thrown) {
        pieces?.failed(thrown)
        return false
      }
    }
    const done = passed()
    underWay.add(done)
    void done.finally(() => underWay.delete(done))
    return done
  }

  /** Does what is due; says how many guests are done with, and how long nothing is due. */
  async function due(
    signal: AbortSignal,
    pieces?: WorkerObserver,
  ): Promise<{ readonly done: number; readonly restMs: Millis }> {
    for (let done = 0; ; ) {
      if (signal.aborted) return { done, restMs: 0 }
      const ask = { kind: ENRICHMENT, max: AT_ONCE, leaseMs: LEASE }
      const { claimed, nextInMs = IDLE } = await store.claimDueDocuments(connection, ask)
      const left = await Promise.all(claimed.map(({ id, revision }) => work(id, revision, pieces)))
      done += left.filter(Boolean).length
      if (claimed.length === 0) return { done, restMs: Math.min(nextInMs, IDLE) }
    }
  }

  async function drain(signal: AbortSignal): Promise<number> {
    const begun = await Promise.all(underWay)
    return begun.filter(Boolean).length + (await due(signal)).done
  }

  return {
    askCrm: lookup,
    async pendingWrite(guestId, { outcome }, isNew = false) {
      const { revision } = isNew ? { revision: 0 } : await store.document(connection, ENRICHMENT, guestId)
      // Due only when whoever begins the work now has had time for it.
      const dueAt = clock.wall() + FIRST
      const value: PendingEnrichment = { put: true, crm: outcome === 'failed', attempts: 0 }
      return { kind: ENRICHMENT, id: guestId, value: { ...value }, dueAt, expect: { revision } }
    },
    start: (guestId) => void work(guestId),
    backlog: (most) => store.countDocuments(connection, { kind: ENRICHMENT, most }),
    drain,
    async run(signal, observer) {
      await repeated(async (pieces) => (await due(signal, pieces)).restMs, { clock, signal, observer })
      await Promise.all(underWay)
    },
  }
}

const NOT_ASKED = new GuestpassError('upstream_unavailable', 'The CRM could not be asked; it is asked again later.')

/** A profile with what the CRM knows. */
export const withCrm = (profile: Profile, { customerId, tier, lastInteraction }: CrmProfile): Profile => ({
  ...profile,
  crm: {
    ...(customerId === undefined ? {} : { customerId }),
    ...(tier === undefined ? {} : { tier }),
    ...(lastInteraction === undefined ? {} : { lastInteraction }),
  },
})
