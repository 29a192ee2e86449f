import type { Credential } from '../../domain/credential.ts'
import { namedRow } from '../../domain/guest-id.ts'
import { rowOf } from '../requests/row-of.ts'
import type { Found, Store } from '../../ports/store.ts'
import type { CredentialWithTokens } from '../../tokens/renewal/renewal.ts'

/** The row of a guest, which may not be there yet. */
export interface GuestRow extends Found {
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
    const found = await store.find(connection, row)
    const { credential } = found
    if (!credential || (credential.kind === 'guest' && credential.api === api)) return { row, ...found }
    const named = namedRow(api, guestId)
    if (credential.kind !== 'guest' || credential.shared || (await markShared(found.revision, credential, store))) {
      return { row: named, ...(await store.find(connection, named)) }
    }
  }
}

/** A guest that upstream made, as the next generation of what its row holds. */
export const nextGeneration = (
  { subject, createdAt, aliveUntil = 0, generation, shared }: Credential,
  made: CredentialWithTokens,
): CredentialWithTokens => ({
  ...made,
  subject,
  createdAt,
  aliveUntil: Math.max(aliveUntil, made.aliveUntil ?? 0),
  generation: generation + 1,
  ...(shared ? { shared } : {}),
})

/** Marks a guest as one of several with its id; false when it was written meanwhile. */
async function markShared(revision: number, credential: Credential, store: Pick<Store, 'commit'>): Promise<boolean> {
  const { connection, generation } = credential
  const write = { credential: { ...credential, shared: true as const }, expect: { generation, revision } }
  return (await store.commit({ connection, writes: [write] })) === 'done'
}
