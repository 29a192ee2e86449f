import { type GuestCredential, guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import { idInRow } from '../../domain/guest-id.ts'
import type { Store } from '../../ports/store.ts'
import { findNamedRow, type GuestRow, isGuestOf, rowOf } from '../requests/named-row.ts'

/**
 * Finds the row of a guest, or the row for a new one: its id, or a row under the name of the API if the id is
 * the row of another credential. It marks a guest of another API that has the same id, so that the two are
 * never confused.
 */
export async function findGuestRow(
  connection: string,
  api: string,
  guestId: string,
  store: Pick<Store, 'find' | 'commit'>,
): Promise<GuestRow> {
  for (;;) {
    const { credential, ...found } = await store.find(connection, guestId)
    if (!credential && rowOf(api, guestId) === guestId) return { row: guestId, ...found }
    const guest = guestIn({ credential })
    if (guest && isGuestOf(guest, api, guestId)) return { row: guestId, ...found, credential: guest }
    const isSameId = guest !== undefined && idInRow(guest) === guestId
    if (!isSameId || guest.shared || (await markShared(found.revision, guest, store)))
      return findNamedRow(connection, api, guestId, store)
  }
}

/** A guest that the upstream made, as the next generation of its row. */
export const nextGeneration = (
  { subject, createdAt, aliveUntil = 0, generation, shared }: GuestCredential,
  made: GuestWithTokens,
): GuestWithTokens => ({
  ...made,
  subject,
  createdAt,
  aliveUntil: Math.max(aliveUntil, made.aliveUntil ?? 0),
  generation: generation + 1,
  ...(shared ? { shared } : {}),
})

/** Marks a guest as one of several with its id. False: it was written meanwhile. */
async function markShared(
  revision: number,
  credential: GuestCredential,
  store: Pick<Store, 'commit'>,
): Promise<boolean> {
  const { connection, generation } = credential
  const write = { credential: { ...credential, shared: true as const }, expect: { generation, revision } }
  return (await store.commit({ connection, writes: [write] })) === 'done'
}
