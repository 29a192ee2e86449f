import { documentKind } from '../../domain/document-kinds.ts'
import { backOffMs } from '../../domain/back-off.ts'
import { type GuestCredential, guestIn } from '../../domain/credential.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { eventContext } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import {
  type CrmFailedData,
  type EnrichedData,
  guestEnriched,
  guestEnrichmentFailed,
} from '../../domain/events/guest-records.ts'
import type { Json } from '../../domain/json.ts'
import { hasEnded } from '../../domain/plan.ts'
import { profileIn, profileSecret } from '../../domain/profile.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import { personalTextsOf } from '../../upstream/personal-texts.ts'
import { guestIds, redactIds } from '../events/redact-ids.ts'
import { mergedAttributes } from './attributes.ts'
import { type CrmLookup, type CrmLookupParts, lookUpCustomer, withCrm } from './crm-lookup.ts'

/** The pause after the first failure. */
export const FIRST: Millis = 5 * SECOND
const LONGEST: Millis = 10 * MINUTE
/** Failed attempts after which the guest stays as it is: about two days. */
const MOST = 300
/** The actor of these events, because no caller waits. */
const WORKER = 'enrichment'

/** What is left to do for a guest. */
export interface PendingEnrichment {
  /** The upstream has yet to get the attributes. */
  readonly put: boolean
  /** The CRM has yet to be asked. */
  readonly crm: boolean
  readonly attempts: number
}

export interface EnrichGuestParts extends CrmLookupParts {
  readonly connection: string
  /** Sends the attributes of a guest to the upstream. `about`: personal texts that errors must not repeat. */
  readonly update: (
    guest: GuestCredential,
    attributes: Readonly<Record<string, Json>>,
    about: readonly Secret[],
  ) => Promise<void>
  readonly ports: Pick<RenewalPorts, 'store' | 'clock' | 'random'>
}

/** The outcome of one pass over the pending enrichment of a guest. */
interface EnrichmentPass {
  /** Whether nothing is left to do. */
  readonly done: boolean
  readonly error?: GuestpassError | undefined
}

/** The pending enrichment of one guest, as it was read. */
interface PendingGuest {
  readonly guestId: string
  readonly revision: number
  readonly pending: PendingEnrichment
}

/**
 * Does once what is left for a guest: asks the CRM again, and sends the attributes upstream. What fails is
 * stored for later. `claimed` is the revision that the caller claimed; at any other revision another process
 * has just worked on the guest, and nothing is done.
 */
export async function enrichGuest(
  parts: EnrichGuestParts,
  guestId: string,
  claimed: number | undefined,
): Promise<EnrichmentPass> {
  const { connection, ports } = parts
  const { value, revision } = await ports.store.document(connection, documentKind.enrichment, guestId)
  if (value === undefined) return { done: true }
  if (claimed !== undefined && claimed !== revision) return { done: false }
  const of = { guestId, revision, pending: value as unknown as PendingEnrichment }
  const found = await ports.store.find(connection, guestId)
  const guest = guestIn(found)
  if (guest && !hasEnded(guest)) return workedOn(parts, of, guest, found.revision)
  await settle(parts, of, { events: [] })
  return { done: true }
}

async function workedOn(
  parts: EnrichGuestParts,
  of: PendingGuest,
  found: GuestCredential,
  guestRevision: number,
): Promise<EnrichmentPass> {
  const { pending } = of
  const elapsed = stopwatch(parts.ports.clock)
  // On the first pass the request that made the guest has just asked the CRM.
  const isAskedAgain = pending.crm && pending.attempts > 0
  const { guest, lookup } = isAskedAgain
    ? await askCrmAgain(parts, found, guestRevision)
    : { guest: found, lookup: undefined }
  const lookupMs = elapsed()
  const crm = lookup ? lookup.outcome === 'failed' : pending.crm
  const put = pending.put || lookup?.outcome === 'found'
  const { events, error } = put ? await sendAttributes(parts, guest) : { events: [] }
  if (!crm && !error) {
    await settle(parts, of, { events })
    return { done: true }
  }
  const attempts = pending.attempts + 1
  const gap = lookup?.outcome === 'failed' ? lookup.error : NOT_ASKED
  const missing = crm ? [failedEvent(parts, guest, gap, lookupMs, { api: guest.api, crm: 'failed', attempts })] : []
  const isOver = attempts >= MOST
  const next = isOver ? undefined : { put: error !== undefined, crm, attempts }
  await settle(parts, of, { next, events: [...events, ...missing] })
  return { done: isOver, error: error ?? gap }
}

/** Stores the events of a pass, and what is left to do. */
async function settle(
  { connection, ports: { store, clock, random } }: EnrichGuestParts,
  { guestId, revision, pending }: PendingGuest,
  { next, events }: { readonly next?: PendingEnrichment | undefined; readonly events: readonly Event[] },
): Promise<void> {
  const wait = (): Millis =>
    backOffMs({ failures: pending.attempts + 1, baseMs: FIRST, maxMs: LONGEST, jitter: 0.25 }, random.float())
  const later = next ? { value: { ...next }, dueAt: clock.wall() + wait() } : {}
  const write = { kind: documentKind.enrichment, id: guestId, expect: { revision }, ...later }
  await store.commit({ connection, documents: [write], events })
}

/** Asks the CRM again and stores what it knows. Gives the guest as it is then. */
async function askCrmAgain(
  parts: EnrichGuestParts,
  credential: GuestCredential,
  revision: number,
): Promise<{ readonly guest: GuestCredential; readonly lookup: CrmLookup }> {
  const { connection, ports } = parts
  const profile = profileIn(credential.profile)
  const lookup = await lookUpCustomer(parts, profile['email'] as string)
  if (lookup.outcome !== 'found') return { guest: credential, lookup }
  const next: GuestCredential = { ...credential, profile: profileSecret(withCrm(profile, lookup.profile)) }
  const expect = { generation: credential.generation, revision }
  const outcome = await ports.store.commit({ connection, writes: [{ credential: next, expect }] })
  if (outcome === 'done') return { guest: next, lookup }
  return { guest: credential, lookup: { outcome: 'failed', error: CHANGED } }
}

/** Sends the attributes of a guest upstream. Gives the event of the outcome, and the error if it failed. */
async function sendAttributes(
  parts: EnrichGuestParts,
  guest: GuestCredential,
): Promise<{ readonly events: readonly Event[]; readonly error?: GuestpassError }> {
  const { meter, ports } = parts
  const profile = profileIn(guest.profile)
  const { attributes, dropped } = mergedAttributes({
    attributes: profile.attributes ?? {},
    crm: profile.crm,
    consentTimestamp: guest.request?.consentTimestamp,
  })
  const data: EnrichedData = { api: guest.api, crm: profile['crm'] === undefined ? 'none' : 'found', dropped }
  const elapsed = stopwatch(ports.clock)
  try {
    await parts.update(guest, attributes, personalTextsOf(guest.profile))
    meter.count('guest_enriched')
    const [about, facts] = eventParts(parts, guest)
    return { events: [guestEnriched(about, { ...facts, latencyMs: elapsed(), data })] }
  } catch (thrown) {
    meter.count('guest_enrichment_failed')
    const error = asGuestpassError(thrown)
    return { events: [failedEvent(parts, guest, error, elapsed(), data)], error }
  }
}

/** What the events of enrichment share. */
const eventParts = (
  { connection, ports: { clock, random } }: EnrichGuestParts,
  { subject, generation }: GuestCredential,
) =>
  [
    eventContext({ connection, subject }, { actor: WORKER }, random),
    { id: random.uuid(), at: clock.wall(), generation },
  ] as const

function failedEvent(
  parts: EnrichGuestParts,
  guest: GuestCredential,
  error: GuestpassError,
  latencyMs: Millis,
  data: EnrichedData | CrmFailedData,
): Event {
  const [about, facts] = eventParts(parts, guest)
  const shown = redactIds(error, guest.subject, guestIds(guest))
  return guestEnrichmentFailed(about, { ...facts, latencyMs, data, error: shown })
}

const NOT_ASKED = new GuestpassError('upstream_unavailable', 'The CRM could not be reached. It is asked again later.')
const CHANGED = new GuestpassError('store_busy', 'The guest was written meanwhile. The CRM is asked again later.')
