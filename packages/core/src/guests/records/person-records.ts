import { documentKind } from '../../domain/document-kinds.ts'
import type { Context } from '../../domain/context.ts'
import { type GuestCredential, guestIn } from '../../domain/credential.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { type Reservation, reservationOf } from '../authentication/guest-reservation.ts'
import type { Pseudonyms } from '../authentication/pseudonyms.ts'
import { authenticatingApis } from '../../upstream/guest-apis.ts'
import { parsePersonKey, type PersonKey } from '../requests/applicant-request.ts'
import { unknownGuest } from '../requests/locate.ts'
import type { Eraser, Erasure, Revocation } from './erasure.ts'
import { type GuestView, viewOf } from './guest-view.ts'
import { placesElsewhere, REMOVED_BY_RETENTION } from './remains.ts'
import { channelOf, guestsByAddress } from './guests-by-address.ts'
import { exportedGuest, type OpenCreate, type PersonExport, unlogged } from './person-export.ts'

/** One erased guest of a person. */
export interface ErasedGuest extends Revocation {
  readonly guestId: string
  readonly api: string
  /** The channel of an engagement guest. */
  readonly channelId?: string
}

/** The result of erasing a person by address. */
export interface PersonErasure {
  /** Empty if the address has no guest, as after an earlier erasure. */
  readonly guests: readonly ErasedGuest[]
  /**
   * Where data of the person may still exist: upstream, CRM, webhook receivers, backups. One text for people
   * each; also if no guest was found, because retention removes guests.
   */
  readonly remains: readonly string[]
}

/**
 * A person's rights, by address: every guest of all APIs and channels, whatever its status, until it is
 * erased.
 */
export interface PersonRecords {
  find(whose: PersonKey, context?: Context): Promise<readonly GuestView[]>
  export(whose: PersonKey, context?: Context): Promise<PersonExport>
  erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
}

interface PersonRecordsParts {
  readonly connection: string
  readonly store: Store
  readonly random: Random
  readonly pseudonyms: Pseudonyms
  readonly eraser: Eraser
}

/** An API, with a channel if its guests belong to one, and the reservation of the person there. */
interface PlaceReservation {
  readonly place: Pick<OpenCreate, 'api' | 'channelId'>
  readonly reservation: Reservation | undefined
}

export function createPersonRecords(parts: PersonRecordsParts): PersonRecords {
  return {
    find: (whose, context = {}) => findGuests(parts, whose, context),
    export: (whose, context = {}) => exportPerson(parts, whose, context),
    erase: (whose, context = {}) => erasePerson(parts, whose, context),
  }
}

async function findGuests(
  parts: PersonRecordsParts,
  whose: PersonKey,
  { signal }: Context,
): Promise<readonly GuestView[]> {
  const guests = await guestsByAddress(parts, parsePersonKey(whose), signal)
  return guests.map(viewOf)
}

async function exportPerson(parts: PersonRecordsParts, whose: PersonKey, { signal }: Context): Promise<PersonExport> {
  const { connection, store } = parts
  const person = parsePersonKey(whose)
  const guests = await guestsByAddress(parts, person, signal)
  const exported = guests.map(async (guest) =>
    exportedGuest(guest, (await store.document(connection, documentKind.enrichment, guest.id)).value),
  )
  return unlogged({
    connection,
    ...person,
    guests: await Promise.all(exported),
    openCreates: await openCreates(parts, person, guests),
  })
}

async function erasePerson(parts: PersonRecordsParts, whose: PersonKey, context: Context): Promise<PersonErasure> {
  const { random, eraser } = parts
  const person = parsePersonKey(whose)
  const own = { ...context, correlationId: context.correlationId ?? random.uuid() }
  const guests = await guestsByAddress(parts, person, context.signal)
  const early = await eraseAll(parts, guests, own)
  const late = await storedSince(parts, person, guests)
  const erased = [...early, ...(await eraseAll(parts, late, own))]
  const open = await openCreates(parts, person, [...guests, ...late])
  const places = await placesElsewhere(parts.connection, parts.store, { person: true })
  const remains = new Set([...places, REMOVED_BY_RETENTION, ...erased.flatMap((one) => one.remains)])
  if (open.length > 0) remains.add(UNKNOWN_GUEST)
  for (const trace of await eraser.traces()) remains.add(trace)
  return { guests: erased.map(({ remains: _all, ...guest }) => guest), remains: [...remains] }
}

async function eraseAll(
  parts: PersonRecordsParts,
  guests: readonly GuestCredential[],
  context: Context,
): Promise<readonly (ErasedGuest & Erasure)[]> {
  const erased: (ErasedGuest & Erasure)[] = []
  for (const guest of guests) {
    context.signal?.throwIfAborted()
    const erasure = await eraseGuest(parts, guest, context)
    if (erasure) erased.push({ ...placeOf(guest), ...erasure })
  }
  return erased
}

/** Erases one guest. Undefined if its row is gone. */
function eraseGuest(
  { connection, store, eraser }: PersonRecordsParts,
  guest: GuestCredential,
  context: Context,
): Promise<Erasure | undefined> {
  const read = async () => {
    const found = await store.find(connection, guest.id)
    const credential = guestIn(found)
    if (!credential) throw unknownGuest(connection, guestIdOf(guest))
    return { ...found, credential }
  }
  return eraser.erase(read, context).catch((thrown: unknown) => {
    if (asGuestpassError(thrown).code === 'guest_unknown') return undefined
    throw thrown
  })
}

/** The person's creates that made no guest here. */
async function openCreates(
  parts: PersonRecordsParts,
  person: PersonKey,
  guests: readonly GuestCredential[],
): Promise<readonly OpenCreate[]> {
  return (await reservations(parts, person, guests)).flatMap(({ place, reservation }) =>
    !reservation || reservation.state === 'live' || reservation.state === 'free'
      ? []
      : [{ ...place, state: reservation.state }],
  )
}

/** The person's guests that creates have stored since `guests` were read. */
async function storedSince(
  parts: PersonRecordsParts,
  person: PersonKey,
  guests: readonly GuestCredential[],
): Promise<readonly GuestCredential[]> {
  const known = new Set(guests.map(({ id }) => id))
  const rows = (await reservations(parts, person, guests)).flatMap(({ reservation }) =>
    reservation?.state === 'live' && !known.has(reservation.guestId) ? [reservation.guestId] : [],
  )
  const found = await Promise.all(rows.map((row) => parts.store.find(parts.connection, row)))
  return found.flatMap((one) => guestIn(one) ?? [])
}

/** The person's reservations: at APIs without channels, and on the named channel or those of the guests. */
async function reservations(
  { connection, store, pseudonyms }: PersonRecordsParts,
  { email, channelId }: PersonKey,
  guests: readonly GuestCredential[],
): Promise<readonly PlaceReservation[]> {
  const places = placesOf(channelId, guests)
  return Promise.all(
    places.map(async (place) => {
      const { value } = await store.document(
        connection,
        documentKind.reservation,
        await pseudonyms.ofApplicant({ ...place, email }),
      )
      return { place, reservation: reservationOf(value) }
    }),
  )
}

/**
 * The APIs and channels where the person may have a reservation. A named channel leaves out APIs without
 * channels.
 */
function placesOf(
  channelId: string | undefined,
  guests: readonly GuestCredential[],
): readonly PlaceReservation['place'][] {
  const channels = [...new Set([channelId, ...guests.map(channelOf)].filter((one) => one !== undefined))]
  const without = authenticatingApis.filter(({ channel }) => !channel && channelId === undefined)
  const withChannel = authenticatingApis.filter(({ channel }) => channel)
  return [
    ...without.map(({ name: api }) => ({ api })),
    ...withChannel.flatMap(({ name: api }) => channels.map((one) => ({ api, channelId: one }))),
  ]
}

function placeOf(guest: GuestCredential): Pick<ErasedGuest, 'guestId' | 'api' | 'channelId'> {
  const channelId = channelOf(guest)
  return { guestId: guestIdOf(guest), api: guest.api, ...(channelId === undefined ? {} : { channelId }) }
}

const UNKNOWN_GUEST =
  'Genesys Cloud: a guest of this address that is not stored here, because the answer to its create did not come'
