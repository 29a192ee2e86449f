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
 * The row that a new guest gets: its id. An id that begins with the name of an API and a slash gets a row under the name of its own
 * API, because the plain row may be needed for a guest of the other one; so does an id whose plain row is for an access token or a
 * sign-in. A guest that was stored before that API was registered
 * keeps its plain row, so that a lookup must not rely on this rule.
 */
export const rowOf = (api: string, guestId: string): string =>
  isOAuthCredentialId(guestId) || guestApis.some((one) => guestId.startsWith(namedRow(one, '')))
    ? namedRow(api, guestId)
    : guestId

/** Whether a guest is the one of an API and an id, as its row says. */
export const isGuestOf = (guest: GuestCredential, api: string, guestId: string): boolean =>
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
