import { type GuestCredential, guestsIn } from '../../domain/credential.ts'
import { profileIn } from '../../domain/profile.ts'
import { pagesOf } from '../../ports/pages.ts'
import type { Store } from '../../ports/store.ts'
import type { PersonKey } from '../requests/applicant-request.ts'

/** Guests read at a time: each profile is opened to be compared. */
const PAGE = 200

/** The channel of an engagement guest. */
export const channelOf = ({ request }: GuestCredential): string | undefined => request?.channelId

/**
 * Finds the guests of an address, of all APIs and any status, in the order of their rows. `channelId`: only
 * those of this channel. It reads every guest of the connection, because addresses are sealed. A guest that
 * is stored meanwhile may be missed.
 */
export async function guestsByAddress(
  connection: string,
  { email, channelId }: PersonKey,
  store: Pick<Store, 'list'>,
  signal?: AbortSignal,
): Promise<readonly GuestCredential[]> {
  const isTheirs = (guest: GuestCredential): boolean =>
    addressOf(guest) === email && (channelId === undefined || channelOf(guest) === channelId)
  const found: GuestCredential[] = []
  const pages = pagesOf((start) => {
    signal?.throwIfAborted()
    return store.list(connection, { kind: 'guest', limit: PAGE, ...start })
  })
  for await (const page of pages) found.push(...guestsIn(page).filter(isTheirs))
  return found
}

/** The address as reservations compare it. */
const addressOf = ({ profile }: GuestCredential): string | undefined => {
  const { email } = profileIn(profile)
  return typeof email === 'string' ? email.trim().toLowerCase() : undefined
}
