import { type GuestCredential, guestIn } from '../domain/credential.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Instant } from '../domain/time.ts'
import { createPseudonyms } from '../guests/authentication/pseudonyms.ts'
import { parseGuestId } from '../guests/requests/guest-token-request.ts'
import { createLocate } from '../guests/requests/locate.ts'
import { createRemovedGuests } from '../guests/requests/tombstones.ts'
import type { Store } from '../ports/store.ts'
import { systemRandom } from '../ports/system.ts'
import type { GuestApi } from '../upstream/guest-apis.ts'

/** Whose records explain: those of a subject, and the guest, if one is stored. */
export interface FoundSubject {
  readonly subject: string
  readonly guest: GuestCredential | undefined
  /** The latest use of the guest. */
  readonly usedAt: Instant | undefined
  readonly now: Instant
}

type FindingStore = Pick<Store, 'find' | 'list' | 'commit' | 'issued' | 'document' | 'countDocuments' | 'findBySubject'>

/** Finds a guest by its id, also one that retention removed. Rejects as `Locate` does. */
export async function findGuestSubject(
  connection: string,
  guestId: string,
  api: GuestApi | undefined,
  store: FindingStore,
): Promise<FoundSubject> {
  const found = await createLocate(connection, withRemoved(connection, store))(parseGuestId(guestId), { api }).catch(
    (thrown: unknown) => {
      // The text of an address says what else to do.
      const isUnknown = thrown instanceof GuestpassError && thrown.code === 'guest_unknown' && !guestId.includes('@')
      throw isUnknown ? withoutToken(thrown) : thrown
    },
  )
  const { credential, usedAt, now } = found
  return { subject: credential.subject, guest: credential, usedAt, now }
}

/** Gives the subject, and its guest if it has one. */
export async function findSubject(connection: string, subject: string, store: FindingStore): Promise<FoundSubject> {
  const guest = guestIn({ credential: await store.findBySubject(connection, subject) })
  const { now, usedAt } = await store.find(connection, guest?.id ?? subject)
  return { subject, guest, usedAt, now }
}

/** Finds the guests that retention removed, too, by what is left of them. */
function withRemoved(connection: string, store: FindingStore): Pick<Store, 'find' | 'list'> {
  // Their key is not made here: it exists if a guest was removed.
  const pseudonyms = createPseudonyms(connection, { store, random: systemRandom() })
  return createRemovedGuests(connection, { store, pseudonyms }).reader
}

const withoutToken = (cause: GuestpassError): GuestpassError =>
  new GuestpassError(
    'guest_unknown',
    `${cause.message} A guest that never got a token is known by the subject of its records only.`,
    { cause },
  )

/** The error of a subject without records of a guest. */
export const unknownSubject = (connection: string, subject: string): GuestpassError =>
  new GuestpassError('guest_unknown', `Connection ${connection} has no record of a guest with the subject ${subject}.`)
