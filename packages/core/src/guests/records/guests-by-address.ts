import { type GuestCredential, guestIn, guestsIn } from '../../domain/credential.ts'
import { profileIn } from '../../domain/profile.ts'
import { pagesOf } from '../../ports/pages.ts'
import type { CredentialPage, CredentialQuery, CredentialWrite, Store } from '../../ports/store.ts'
import type { Pseudonyms } from '../authentication/pseudonyms.ts'
import type { PersonKey } from '../requests/applicant-request.ts'

/** Guests read at a time: each profile is opened. */
const PAGE = 200

/** What a search by address works with. */
interface SearchParts {
  readonly connection: string
  readonly store: Pick<Store, 'list' | 'find' | 'commit'>
  readonly pseudonyms: Pseudonyms
}

/** The channel of an engagement guest. */
export const channelOf = ({ request }: GuestCredential): string | undefined => request?.channelId

/**
 * Finds the guests of an address, of all APIs and any status, in the order of their rows. `channelId`: only
 * those of this channel. Guests of earlier versions are indexed first. A guest that is stored meanwhile may be
 * missed.
 */
export async function guestsByAddress(
  parts: SearchParts,
  { email, channelId }: PersonKey,
  signal?: AbortSignal,
): Promise<readonly GuestCredential[]> {
  await indexGuests(parts, signal)
  const person = await parts.pseudonyms.ofKnownPerson(email)
  if (person === undefined) return []
  const isTheirs = (guest: GuestCredential): boolean =>
    addressOf(guest) === email && (channelId === undefined || channelOf(guest) === channelId)
  const found: GuestCredential[] = []
  for await (const page of pages(parts, { person }, signal)) found.push(...guestsIn(page).filter(isTheirs))
  return found
}

const pages = (
  { connection, store }: SearchParts,
  query: Pick<CredentialQuery, 'person' | 'unindexed'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<CredentialPage> =>
  pagesOf((start) => {
    signal?.throwIfAborted()
    return store.list(connection, { kind: 'guest', limit: PAGE, ...query, ...start })
  })

/**
 * Gives each guest that an earlier version stored the pseudonym of its address. Each page is committed, so that
 * a search that ends early leaves the rest to the next one.
 */
async function indexGuests(parts: SearchParts, signal: AbortSignal | undefined): Promise<void> {
  // A guest that is written meanwhile is read again in the next round.
  for (let isComplete = false; !isComplete; ) {
    isComplete = true
    for await (const { credentials } of pages(parts, { unindexed: true }, signal)) {
      const writes = await Promise.all(credentials.map(({ id }) => indexWrite(parts, id)))
      const isIndexed = await commitAll(
        parts,
        writes.flatMap((write) => write ?? []),
      )
      isComplete &&= isIndexed
    }
  }
}

/** The write that indexes a guest. Undefined if its row is gone, or is indexed by now. */
async function indexWrite(
  { connection, store, pseudonyms }: SearchParts,
  id: string,
): Promise<CredentialWrite | undefined> {
  const { revision, ...found } = await store.find(connection, id)
  const guest = guestIn(found)
  if (!guest || (guest.profile === undefined) === (guest.person === undefined)) return undefined
  const { person: _former, ...rest } = guest
  const email = addressOf(guest)
  const indexed = email === undefined ? { person: '' } : { person: await pseudonyms.ofPerson(email) }
  const credential = { ...rest, ...(guest.profile ? indexed : {}) }
  return { credential, expect: { generation: guest.generation, revision } }
}

/** Commits writes together; one by one if one of them conflicts. False if a row was written meanwhile. */
async function commitAll({ connection, store }: SearchParts, writes: readonly CredentialWrite[]): Promise<boolean> {
  if (writes.length === 0) return true
  if ((await store.commit({ connection, writes })) === 'done') return true
  if (writes.length === 1) return false
  for (const write of writes) await store.commit({ connection, writes: [write] })
  return false
}

/** The address as reservations compare it. */
const addressOf = ({ profile }: GuestCredential): string | undefined => {
  const { email } = profileIn(profile)
  return typeof email === 'string' ? email.trim().toLowerCase() : undefined
}
