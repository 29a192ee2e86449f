import { isOAuthCredentialId } from '../../domain/credential-ids.ts'
import { type GuestCredential, guestIn } from '../../domain/credential.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { idInRow, namedRow, spareRow } from '../../domain/guest-id.ts'
import type { FoundCredential, Store } from '../../ports/store.ts'
import { guestApis } from '../../upstream/guest-apis.ts'

/** The row of a guest, which may not be there yet. */
export interface GuestRow extends FoundCredential<GuestCredential> {
  readonly row: string
}

/**
 * The row that a new guest gets: its id. The row is under the name of the guest's API if the plain row may be
 * needed for another credential: the id begins with the name of an API and a slash, or is that of an access
 * token or a sign-in. A guest that was stored before an API was registered keeps its plain row, so that a
 * lookup must not rely on this rule.
 */
export const rowOf = (api: string, guestId: string): string =>
  isOAuthCredentialId(guestId) || guestApis.some((one) => guestId.startsWith(namedRow(one, '')))
    ? namedRow(api, guestId)
    : guestId

/** Whether a guest is the one of an API and an id, as its row says. */
const isGuestOf = (guest: GuestCredential, api: string, guestId: string): boolean =>
  guest.api === api && idInRow(guest) === guestId

/** Finds the row that a guest has or is to have if its plain row is not free. */
export async function findNamedRow(
  connection: string,
  api: string,
  guestId: string,
  store: Pick<Store, 'find'>,
): Promise<GuestRow> {
  for (const row of [namedRow(api, guestId), spareRow(api, guestId)]) {
    const { credential, ...found } = await store.find(connection, row)
    if (!credential) return { row, ...found }
    const guest = guestIn({ credential })
    if (guest && isGuestOf(guest, api, guestId)) return { row, ...found, credential: guest }
  }
  throw new GuestpassError('internal', `Connection ${connection} has no free row for a guest of the API ${api}.`)
}

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
