import { type GuestCredential, guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import { namedRow } from '../../domain/guest-id.ts'
import { rowOf } from '../requests/row-of.ts'
import type { FoundCredential, Store } from '../../ports/store.ts'

/** The row of a guest, which may not be there yet. */
export interface GuestRow extends FoundCredential<GuestCredential> {
  readonly row: string
}

/**
 * Finds the row that the guest of an API has or is to have: its id, or one under the name of the API where the id is the row of
 * something else. A guest of another API that is met there is marked, so that it is never mistaken for this one.
 */
export async function findGuestRow(
  connection: string,
  api: string,
  guestId: string,
  store: Pick<Store, 'find' | 'commit'>,
): Promise<GuestRow> {
  const row = rowOf(api, guestId)
  for (;;) {
    const { credential, ...found } = await store.find(connection, row)
    if (!credential) return { row, ...found }
    const guest = guestIn({ credential })
    if (guest?.api === api) return { row, ...found, credential: guest }
    if (!guest || guest.shared || (await markShared(found.revision, guest, store))) {
      const named = namedRow(api, guestId)
      const { credential: other, ...rest } = await store.find(connection, named)
      return { row: named, ...rest, ...(other?.kind === 'guest' ? { credential: other } : {}) }
    }
  }
}

/** A guest that upstream made, as the next generation of what its row holds. */
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

/** Marks a guest as one of several with its id; false when it was written meanwhile. */
async function markShared(
  revision: number,
  credential: GuestCredential,
  store: Pick<Store, 'commit'>,
): Promise<boolean> {
  const { connection, generation } = credential
  const write = { credential: { ...credential, shared: true as const }, expect: { generation, revision } }
  return (await store.commit({ connection, writes: [write] })) === 'done'
}
