import type { Context } from '../../domain/context.ts'
import type { Credential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { authenticatingApis } from '../../upstream/guest-apis.ts'
import { channelOf, guestsByAddress } from './guests-by-address.ts'
import { ENRICHMENT } from '../enrichment/enrichment.ts'
import type { Erasure, Eraser, Revocation } from './erasure.ts'
import { type GuestView, viewOf } from './guest-view.ts'
import { unknownGuest } from '../requests/locate.ts'
import { exportedGuest, type OpenCreate, type PersonExport, unlogged } from './person-export.ts'
import { parsePersonKey, type PersonKey } from '../requests/applicant-request.ts'
import type { Pseudonym } from '../authentication/pseudonyms.ts'
import { DUPLICATE, type Reservation, reservationOf } from '../authentication/guest-reservation.ts'

/** One guest of a person who was erased. */
export interface ErasedGuest extends Revocation {
  readonly guestId: string
  readonly api: string
  /** Of an engagement guest. */
  readonly channelId?: string
}

export interface PersonErasure {
  /** Empty where the address has no guest, as after an earlier erasure, which said what remains. */
  readonly guests: readonly ErasedGuest[]
  /** What there still is of the person elsewhere, for people to read. */
  readonly remains: readonly string[]
}

/** A person's rights, by address: every guest of all APIs and channels, whatever its status, until it is erased. */
export interface PersonRecords {
  find(whose: PersonKey, context?: Context): Promise<readonly GuestView[]>
  export(whose: PersonKey, context?: Context): Promise<PersonExport>
  erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
}

interface PersonPorts {
  readonly store: Store
  readonly random: Random
  readonly pseudonym: Pseudonym
  readonly eraser: Eraser
}

/** What is known of the person's guest at one API, and there on one channel. */
interface PlaceReservation {
  readonly place: Pick<OpenCreate, 'api' | 'channelId'>
  readonly reservation: Reservation | undefined
}

export function createPersonRecords(
  connection: string,
  { store, random, pseudonym, eraser }: PersonPorts,
): PersonRecords {
  /** The reservations of the person: at APIs without channels, and on the channel named or those of the guests. */
  async function reservations(
    { email, channelId }: PersonKey,
    guests: readonly Credential[],
  ): Promise<readonly PlaceReservation[]> {
    const places = placesOf(channelId, guests)
    return Promise.all(
      places.map(async (place) => {
        const { value } = await store.document(connection, DUPLICATE, await pseudonym({ ...place, email }))
        return { place, reservation: reservationOf(value) }
      }),
    )
  }

  /** Creates of the person that brought no guest. */
  async function openCreates(person: PersonKey, guests: readonly Credential[]): Promise<readonly OpenCreate[]> {
    return (await reservations(person, guests)).flatMap(({ place, reservation }) =>
      !reservation || reservation.state === 'live' || reservation.state === 'free'
        ? []
        : [{ ...place, state: reservation.state }],
    )
  }

  /** Guests of the person that creates under way have stored since `guests` were read. */
  async function storedSince(person: PersonKey, guests: readonly Credential[]): Promise<readonly Credential[]> {
    const known = new Set(guests.map(({ id }) => id))
    const rows = (await reservations(person, guests)).flatMap(({ reservation }) =>
      reservation?.state === 'live' && !known.has(reservation.guestId) ? [reservation.guestId] : [],
    )
    const found = await Promise.all(rows.map((row) => store.find(connection, row)))
    return found.flatMap(({ credential }) => credential ?? [])
  }

  /** Undefined when its row is gone. */
  const erased = (guest: Credential, context: Context): Promise<Erasure | undefined> =>
    eraser
      .erase(async () => {
        const { credential, ...found } = await store.find(connection, guest.id)
        if (!credential) throw unknownGuest(connection, guestIdOf(guest))
        return { credential, ...found }
      }, context)
      .catch((thrown: unknown) => {
        if (asGuestpassError(thrown).code === 'guest_unknown') return undefined
        throw thrown
      })

  return {
    async find(whose, { signal } = {}) {
      const guests = await guestsByAddress(connection, parsePersonKey(whose), store, signal)
      return guests.map(viewOf)
    },
    async export(whose, { signal } = {}) {
      const person = parsePersonKey(whose)
      const guests = await guestsByAddress(connection, person, store, signal)
      const exported = guests.map(async (guest) =>
        exportedGuest(guest, (await store.document(connection, ENRICHMENT, guest.id)).value),
      )
      return unlogged({
        connection,
        ...person,
        guests: await Promise.all(exported),
        openCreates: await openCreates(person, guests),
      })
    },
    async erase(whose, context = {}) {
      const person = parsePersonKey(whose)
      const { signal, correlationId = random.uuid() } = context
      const done: ErasedGuest[] = []
      const remains = new Set<string>()
      const eraseAll = async (guests: readonly Credential[]): Promise<void> => {
        for (const guest of guests) {
          signal?.throwIfAborted()
          const erasure = await erased(guest, { ...context, correlationId })
          if (!erasure) continue
          const { remains: left, ...answer } = erasure
          done.push({ ...placeOf(guest), ...answer })
          for (const one of left) remains.add(one)
        }
      }
      const guests = await guestsByAddress(connection, person, store, signal)
      await eraseAll(guests)
      const late = await storedSince(person, guests)
      await eraseAll(late)
      if ((await openCreates(person, [...guests, ...late])).length > 0) remains.add(UNKNOWN_GUEST)
      for (const one of await eraser.traces()) remains.add(one)
      return { guests: done, remains: [...remains] }
    },
  }
}

/** Where the person may have a reservation. A channel that is named leaves out APIs without channels. */
function placesOf(channelId: string | undefined, guests: readonly Credential[]): readonly PlaceReservation['place'][] {
  const channels = [...new Set([channelId, ...guests.map(channelOf)].filter((one) => one !== undefined))]
  const without = authenticatingApis.filter(({ channel }) => !channel && channelId === undefined)
  const withChannel = authenticatingApis.filter(({ channel }) => channel)
  return [
    ...without.map(({ name: api }) => ({ api })),
    ...withChannel.flatMap(({ name: api }) => channels.map((one) => ({ api, channelId: one }))),
  ]
}

function placeOf(guest: Credential): Pick<ErasedGuest, 'guestId' | 'api' | 'channelId'> {
  const channelId = channelOf(guest)
  return { guestId: guestIdOf(guest), api: guest.api, ...(channelId === undefined ? {} : { channelId }) }
}

const UNKNOWN_GUEST =
  'Genesys Cloud: a guest of this address that is not stored here, because the answer to its create did not come'
