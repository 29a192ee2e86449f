import type { GuestCredential } from '../../domain/credential.ts'
import { eventContext } from '../../domain/events/event-parts.ts'
import { guestRemoved } from '../../domain/events/retention.ts'
import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { EndedGuest, EndedGuestRequest, Store } from '../../ports/store.ts'
import type { Pseudonyms } from '../authentication/pseudonyms.ts'
import { belongingsOf } from './belongings.ts'
import { tombstoneWrite } from '../requests/tombstones.ts'

/** What the removal of ended guests works with. */
export interface RemovalParts {
  readonly connection: string
  readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'endedGuests'>
  readonly clock: Clock
  readonly random: Random
  readonly pseudonyms: Pick<Pseudonyms, 'ofApplicant' | 'ofRow'>
  /** Who asks, for the events. */
  readonly actor: string
}

/** Guests that are removed at once: their changes share a write of the store. */
const BATCH = 50

/**
 * Removes guests whose last token expired before a time: row, profile and its key, reservation and pending work.
 * A tombstone remains of each one. A guest that changes meanwhile stays for the next call.
 *
 * @param tombstonesUntil when the tombstones expire; undefined: never
 * @param signal stops between two batches
 * @returns how many guests were removed
 */
export async function removeEndedGuests(
  parts: RemovalParts,
  {
    before,
    tombstonesUntil,
    signal,
  }: { readonly before: Instant; readonly tombstonesUntil: Instant | undefined; readonly signal?: AbortSignal },
): Promise<number> {
  const { connection, store } = parts
  let removed = 0
  for (let after: EndedGuestRequest['after']; ; ) {
    if (signal?.aborted) return removed
    const page = await store.endedGuests(connection, { before, limit: BATCH, ...(after ? { after } : {}) })
    const last = page.at(-1)
    if (!last) return removed
    const ended = page.filter(({ credential }) => hasEndedBefore(credential, before))
    const outcomes = await Promise.all(ended.map((guest) => removeGuest(parts, guest, tombstonesUntil)))
    removed += outcomes.filter((outcome) => outcome === 'done').length
    after = { endedAt: last.endedAt, id: last.credential.id }
  }
}

/** Rows of former versions may lack the end of their token. */
const hasEndedBefore = ({ tokens }: GuestCredential, before: Instant): boolean =>
  tokens === undefined || tokens.expiresAt < before

async function removeGuest(
  parts: RemovalParts,
  { credential, revision }: EndedGuest,
  tombstonesUntil: Instant | undefined,
): Promise<'done' | 'conflict'> {
  const { connection, store, clock, random, pseudonyms, actor } = parts
  const { id, api, status, subject, generation } = credential
  const about = eventContext({ connection, subject }, { actor }, random)
  const stamp = { id: random.uuid(), at: clock.wall() }
  return store.commit({
    connection,
    removals: [{ id, expect: { generation, revision } }],
    documents: [
      await tombstoneWrite(credential, { expiresAt: tombstonesUntil, removedAt: stamp.at }, parts),
      ...(await belongingsOf(credential, { store, pseudonym: pseudonyms.ofApplicant })),
    ],
    events: [guestRemoved(about, { ...stamp, generation, data: { api, status } })],
  })
}
