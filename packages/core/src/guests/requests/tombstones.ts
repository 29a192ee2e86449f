import { isOAuthCredentialId } from '../../domain/credential-ids.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { documentKind } from '../../domain/document-kinds.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Json } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { DocumentWrite, FoundCredential, Store } from '../../ports/store.ts'

/** Gives a pseudonym for the row of a guest. */
interface RowPseudonyms {
  ofRow(row: string): Promise<string>
}

/** What is left of a removed guest, so that one who comes back goes on counting and stays revoked or erased. */
type Tombstone = Pick<GuestCredential, 'api' | 'subject' | 'generation' | 'status' | 'createdAt'> & {
  readonly aliveUntil?: Instant
  readonly shared?: true
} & RemovedFacts

/** What the row of a removed guest does not hold. Tombstones of former versions lack it. */
export interface RemovedFacts {
  readonly removedAt?: Instant
  /** Whether its last token was verified on receipt. Absent if it had none. */
  readonly verified?: boolean
}

/** The row of a guest that comes back. Former versions gave some guests a row with an invented id. */
const rowAfterReturn = (guest: GuestCredential): string =>
  guest.api !== 'guest-tokens' && guest.upstreamId !== undefined ? guestIdOf(guest) : guest.id

/** The write of the tombstone of a guest. `expiresAt`: from then on it counts as absent; absent: never. */
export async function tombstoneWrite(
  guest: GuestCredential,
  { expiresAt, removedAt }: { readonly expiresAt: Instant | undefined; readonly removedAt: Instant },
  { store, pseudonyms }: { readonly store: Pick<Store, 'document'>; readonly pseudonyms: RowPseudonyms },
): Promise<DocumentWrite> {
  const { connection, api, subject, generation, status, createdAt, aliveUntil, shared, tokens } = guest
  const id = await pseudonyms.ofRow(rowAfterReturn(guest))
  const { revision } = await store.document(connection, documentKind.tombstone, id)
  const value: Tombstone = {
    api,
    subject,
    generation,
    status,
    createdAt,
    ...(aliveUntil === undefined ? {} : { aliveUntil }),
    ...(shared ? { shared } : {}),
    removedAt,
    ...(tokens ? { verified: tokens.verified } : {}),
  }
  return {
    kind: documentKind.tombstone,
    id,
    value: { ...value },
    expect: { revision },
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

/** Only `tombstoneWrite` writes the values. */
const tombstoneOf = (value: Json): Tombstone => value as unknown as Tombstone

/** Guests that retention removed. */
export interface RemovedGuests {
  /**
   * Restores the row of a removed guest from what is left of it: without tokens, request and profile. The guest
   * is then found, refused or issued again as any other. False if no such guest was removed.
   */
  restore(row: string): Promise<boolean>
  /** What finds and writes guests in the same store. Its `find` restores a removed guest first. */
  readonly store: GuestStore
  /** Finds guests in the same store, and what is left of removed ones as revision 0. It writes nothing. */
  readonly reader: Pick<Store, 'find' | 'list'>
  /** What is known of a removed guest besides its row. Writes nothing. */
  facts(row: string): Promise<RemovedFacts>
}

/** The calls of a store by which a guest is found and written. */
export type GuestStore = Pick<Store, 'find' | 'list' | 'commit' | 'issued'>

type TombstoneStore = GuestStore & Pick<Store, 'document' | 'countDocuments'>

/** What is left of a removed guest, and the id and revision of its tombstone. */
interface Left {
  readonly credential: GuestCredential
  readonly facts: RemovedFacts
  readonly id: string
  readonly revision: number
}

export function createRemovedGuests(
  connection: string,
  { store, pseudonyms }: { readonly store: TombstoneStore; readonly pseudonyms: RowPseudonyms },
): RemovedGuests {
  const kind = documentKind.tombstone

  async function leftOf(row: string): Promise<Left | undefined> {
    // Most stores have none, and a digest takes longer than this read.
    if (isOAuthCredentialId(row) || (await store.countDocuments(connection, { kind, most: 1 })) === 0) return undefined
    const id = await pseudonyms.ofRow(row)
    const { value, revision } = await store.document(connection, kind, id)
    if (value === undefined) return undefined
    const { removedAt, verified, ...kept } = tombstoneOf(value)
    const facts = { ...(removedAt === undefined ? {} : { removedAt }), ...(verified === undefined ? {} : { verified }) }
    return { credential: { ...kept, connection, id: row, kind: 'guest' }, facts, id, revision }
  }

  async function restore(row: string): Promise<boolean> {
    const left = await leftOf(row)
    if (!left) return false
    const { credential, id, revision } = left
    // After a conflict, another process has restored it.
    await store.commit({
      connection,
      writes: [{ credential, expect: { generation: 0, revision: 0 } }],
      documents: [{ kind, id, expect: { revision } }],
    })
    return true
  }

  async function find(of: string, id: string): Promise<FoundCredential> {
    const found = await store.find(of, id)
    return found.credential || !(await restore(id)) ? found : store.find(of, id)
  }

  return {
    restore,
    facts: async (row) => (await leftOf(row))?.facts ?? {},
    reader: {
      async find(of, id) {
        const found = await store.find(of, id)
        const credential = found.credential ?? (await leftOf(id))?.credential
        return { ...found, ...(credential ? { credential } : {}) }
      },
      list: (of, query) => store.list(of, query),
    },
    // Call by call, because a store may be an instance of a class.
    store: {
      find,
      list: (of, query) => store.list(of, query),
      commit: (change) => store.commit(change),
      issued: (of, token) => store.issued(of, token),
    },
  }
}
