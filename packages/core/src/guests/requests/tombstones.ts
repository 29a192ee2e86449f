import { isOAuthCredentialId } from '../../domain/credential-ids.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { documentKind } from '../../domain/document-kinds.ts'
import { hasEnded } from '../../domain/plan.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Json } from '../../domain/json.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import { pagesOf } from '../../ports/pages.ts'
import type { DocumentWrite, FoundCredential, Store } from '../../ports/store.ts'

/** Gives a pseudonym for the row of a guest. */
interface RowPseudonyms {
  ofRow(row: string): Promise<string>
}

/** What is left of a removed guest, so that one who comes back goes on counting and stays revoked or erased. */
type Tombstone = Pick<GuestCredential, 'api' | 'subject' | 'generation' | 'status' | 'createdAt'> & {
  readonly aliveUntil?: Instant
  readonly shared?: true
  /** How long the tombstone is kept after the last change of the guest. Absent: for ever. */
  readonly keptMs?: Millis
  readonly owner?: string
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
  const { connection, api, subject, generation, status, createdAt, aliveUntil, shared, owner, tokens } = guest
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
    ...(owner === undefined ? {} : { owner }),
    removedAt,
    ...(tokens ? { verified: tokens.verified } : {}),
    ...(expiresAt === undefined ? {} : { keptMs: expiresAt - removedAt }),
  }
  return documentWrite({ id, revision }, value, expiresAt)
}

const documentWrite = (
  { id, revision }: { readonly id: string; readonly revision: number },
  value: Tombstone,
  expiresAt: Instant | undefined,
): DocumentWrite => ({
  kind: documentKind.tombstone,
  id,
  value: { ...value },
  expect: { revision },
  ...(expiresAt === undefined ? {} : { expiresAt }),
})

/** Only `documentWrite` writes the values. */
const tombstoneOf = (value: Json): Tombstone => value as unknown as Tombstone

/** What is left of a guest that retention removed. */
export interface RemovedGuest {
  readonly credential: GuestCredential
  readonly facts: RemovedFacts
  /** The write that revokes or erases the guest where it is. Its row stays removed. */
  ended(next: GuestCredential, now: Instant): DocumentWrite
  /** The write that removes what is left. */
  readonly removal: DocumentWrite
}

function removedGuest(
  connection: string,
  row: string,
  document: { readonly id: string; readonly revision: number; readonly value: Json },
): RemovedGuest {
  const tombstone = tombstoneOf(document.value)
  const { removedAt, verified, keptMs, ...kept } = tombstone
  return {
    credential: { ...kept, connection, id: row, kind: 'guest' },
    facts: { ...(removedAt === undefined ? {} : { removedAt }), ...(verified === undefined ? {} : { verified }) },
    // As long as the record of this change is kept.
    ended: ({ subject, generation, status }, now) =>
      documentWrite(
        document,
        { ...tombstone, subject, generation, status },
        keptMs === undefined ? undefined : now + keptMs,
      ),
    removal: { kind: documentKind.tombstone, id: document.id, expect: { revision: document.revision } },
  }
}

/**
 * Reads what is left of a removed guest by the id of its tombstone. `row`: the row of the guest, which is the id of the
 * result. Default: the id of the tombstone.
 */
export async function removedGuestAt(
  connection: string,
  id: string,
  store: Pick<Store, 'document'>,
  row = id,
): Promise<RemovedGuest | undefined> {
  const { value, revision } = await store.document(connection, documentKind.tombstone, id)
  return value === undefined ? undefined : removedGuest(connection, row, { id, revision, value })
}

const PAGE = 200

/**
 * Reads what is left of all removed guests of a connection. The id of each is that of its tombstone, because its
 * row is not known.
 */
export async function* allRemovedGuests(
  connection: string,
  store: Pick<Store, 'documents'>,
): AsyncGenerator<RemovedGuest> {
  const kind = documentKind.tombstone
  for await (const { documents } of pagesOf((start) => store.documents(connection, { kind, limit: PAGE, ...start })))
    for (const document of documents) yield removedGuest(connection, document.id, document)
}

/** Guests that retention removed. */
export interface RemovedGuests {
  /** Gives what is left of the guest of a row. Undefined: no such guest was removed. It writes nothing. */
  left(row: string): Promise<RemovedGuest | undefined>
  /**
   * Restores the row of a removed guest from what is left of it: without tokens, request and profile. The guest
   * is then found, refused or issued again as any other. False if no such guest was removed.
   */
  restore(row: string): Promise<boolean>
  /**
   * What finds and writes guests in the same store. Its `find` restores a removed guest first, and gives one that was
   * revoked or erased as revision 0.
   */
  readonly store: GuestStore
  /** Finds guests in the same store, and what is left of removed ones as revision 0. It writes nothing. */
  readonly reader: Pick<Store, 'find' | 'list'>
}

/** The calls of a store by which a guest is found and written. */
export type GuestStore = Pick<Store, 'find' | 'list' | 'commit' | 'issued'>

type TombstoneStore = GuestStore & Pick<Store, 'document' | 'countDocuments'>

export function createRemovedGuests(
  connection: string,
  { store, pseudonyms }: { readonly store: TombstoneStore; readonly pseudonyms: RowPseudonyms },
): RemovedGuests {
  const kind = documentKind.tombstone

  async function left(row: string): Promise<RemovedGuest | undefined> {
    // Most stores have none, and a digest takes longer than this read.
    if (isOAuthCredentialId(row) || (await store.countDocuments(connection, { kind, most: 1 })) === 0) return undefined
    return removedGuestAt(connection, await pseudonyms.ofRow(row), store, row)
  }

  async function restore(row: string): Promise<boolean> {
    const removed = await left(row)
    if (removed) await restoreRow(removed)
    return removed !== undefined
  }

  async function restoreRow({ credential, removal }: RemovedGuest): Promise<void> {
    // After a conflict, another process has restored it.
    await store.commit({
      connection,
      writes: [{ credential, expect: { generation: 0, revision: 0 } }],
      documents: [removal],
    })
  }

  async function find(of: string, id: string): Promise<FoundCredential> {
    const found = await store.find(of, id)
    const removed = found.credential ? undefined : await left(id)
    if (!removed) return found
    // A guest that ended is refused: its row would only be removed again.
    if (hasEnded(removed.credential)) return { ...found, credential: removed.credential }
    await restoreRow(removed)
    return store.find(of, id)
  }

  return {
    left,
    restore,
    reader: {
      async find(of, id) {
        const found = await store.find(of, id)
        const credential = found.credential ?? (await left(id))?.credential
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
