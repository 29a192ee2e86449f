import { type GuestCredential, guestIn, guestsIn } from '../../domain/credential.ts'
import { isOwnedBy } from '../../domain/guest-owner.ts'
import { guestIdOf, idInRow } from '../../domain/guest-id.ts'
import type { Instant } from '../../domain/time.ts'
import { isUuid } from '../../domain/uuid.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { loadOnce } from '../../ports/load-once.ts'
import { pagesOf } from '../../ports/pages.ts'
import type { Store } from '../../ports/store.ts'
import { type GuestApi, guestApis } from '../../upstream/guest-apis.ts'
import { invalid } from './faults.ts'
import type { GuestContext } from './guest-context.ts'
import { findNamedRow } from './guest-row.ts'

/** A guest as it is stored, and the store's time at the moment of the read. */
export interface Located {
  readonly credential: GuestCredential
  readonly revision: number
  readonly now: Instant
  /** The latest use of the guest. Absent if its row was removed. */
  readonly usedAt?: Instant
}

/** Which of several guests of one id is meant, and for whom it is looked up. */
type Whose = Pick<GuestContext, 'api' | 'owner'>

/**
 * Finds a guest by its id, and by its API if two APIs have a guest of that id. Rejects with `guest_unknown`, also
 * for a guest of another owner, or with `invalid_input` if `api` is missing and the id is ambiguous.
 */
export type Locate = (guestId: string, whose?: Whose) => Promise<Located>

interface LocateParts {
  readonly connection: string
  readonly store: Pick<Store, 'find' | 'list'>
  /** Rows of former versions with an invented id, by the id that the upstream gave. */
  readonly inventedRows: () => Promise<ReadonlyMap<string, string>>
}

export function createLocate(connection: string, store: Pick<Store, 'find' | 'list'>): Locate {
  // No new row gets an invented id: they are listed once.
  const inventedRows = loadOnce(() => listInventedRows(connection, store))
  return (guestId, whose = {}) => findGuest({ connection, store, inventedRows }, guestId, whose)
}

async function findGuest(parts: LocateParts, guestId: string, { api, owner }: Whose): Promise<Located> {
  const owned = (one: Located | undefined): Located | undefined =>
    one && isOwnedBy(one.credential, owner) ? one : undefined
  const plain = owned(await plainGuest(parts, guestId))
  const isOnly = plain && (api === undefined ? !plain.credential.shared : plain.credential.api === api)
  if (isOnly) return plain
  const others = (api === undefined ? guestApis : [api]).filter((one) => one !== plain?.credential.api)
  const named = await Promise.all(others.map((one) => namedGuest(parts, one, guestId)))
  const found = [...(api === undefined ? [plain] : []), ...named.map(owned)].filter((one) => one !== undefined)
  if (found.length > 1) throw ambiguous(guestId, found)
  const only = found[0] ?? owned(await guestAtInventedRow(parts, guestId))
  if (only && (api === undefined || only.credential.api === api)) return only
  throw unknownGuest(parts.connection, guestId, api && (await guestApiOf(parts, guestId, owner)))
}

/** The API of the guest of an id. Undefined: there is none, or several. */
const guestApiOf = (parts: LocateParts, guestId: string, owner: string | undefined): Promise<string | undefined> =>
  findGuest(parts, guestId, owner === undefined ? {} : { owner }).then(
    ({ credential }) => credential.api,
    () => undefined,
  )

async function guestAt({ connection, store }: LocateParts, row: string): Promise<Located | undefined> {
  const found = await store.find(connection, row)
  const credential = guestIn(found)
  return credential && { ...found, credential }
}

/** The guest whose row is the id itself. */
async function plainGuest(parts: LocateParts, guestId: string): Promise<Located | undefined> {
  for (const id of idForms(guestId)) {
    const found = await guestAt(parts, id)
    if (found && idInRow(found.credential) === id) return found
  }
  return undefined
}

/** The guest of an API whose row has the name of the API. */
async function namedGuest(
  { connection, store }: LocateParts,
  api: GuestApi,
  guestId: string,
): Promise<Located | undefined> {
  for (const id of idForms(guestId)) {
    const { credential, ...found } = await findNamedRow(connection, api, id, store)
    if (credential) return { ...found, credential }
  }
  return undefined
}

async function guestAtInventedRow(parts: LocateParts, guestId: string): Promise<Located | undefined> {
  // Former versions replaced no id that is a UUID.
  if (isUuid(guestId)) return undefined
  const row = (await parts.inventedRows()).get(guestId)
  return row === undefined ? undefined : guestAt(parts, row)
}

async function listInventedRows(connection: string, store: Pick<Store, 'list'>): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, string>()
  for await (const page of pagesOf((start) => store.list(connection, { kind: 'guest', limit: 1_000, ...start })))
    for (const guest of guestsIn(page)) if (hasInventedRow(guest)) known.set(guestIdOf(guest), guest.id)
  return known
}

const hasInventedRow = ({ api, upstreamId }: GuestCredential): boolean =>
  api !== 'guest-tokens' && upstreamId !== undefined

/** UUIDs of requests are kept in lower case. */
const idForms = (guestId: string): readonly string[] =>
  isUuid(guestId) && guestId !== guestId.toLowerCase() ? [guestId, guestId.toLowerCase()] : [guestId]

/** The row that a guest of this id nearly always has. Undefined: the guest must be looked up first. */
export const likelyRow = (guestId: string): string | undefined => (isUuid(guestId) ? guestId.toLowerCase() : undefined)

/** `otherApi`: that of the guest of this id, if another API was asked for. */
export const unknownGuest = (connection: string, id: string, otherApi?: string): GuestpassError => {
  // An address that was given for an id is not repeated: messages go to logs.
  const message = id.includes('@')
    ? `Connection ${connection} has no guest of the given id, which looks like an address.`
    : otherApi === undefined
      ? `Connection ${connection} has no guest ${id}. Check the id, the store and the connection.`
      : `Connection ${connection} has no guest ${id} of the given API. There is a guest of this id, of the API ${otherApi}.`
  return new GuestpassError('guest_unknown', message)
}

function ambiguous(guestId: string, found: readonly Located[]): GuestpassError {
  const apis = found.map(({ credential }) => credential.api)
  return invalid(
    [{ path: ['api'], message: `is missing: the APIs ${apis.join(' and ')} each have a guest ${guestId}` }],
    { api: `Give one of ${apis.join(', ')}.` },
  )
}
