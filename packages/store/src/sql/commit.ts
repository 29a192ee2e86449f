import { GuestpassError, type Random } from '@guestpass/core'
import {
  asGuestpassError,
  type Change,
  type Instant,
  type Ledger,
  checkOneConnection,
  type Route,
  UNREACHABLE,
} from '@guestpass/core/store-kit'
import type { Sealer } from '../seal/sealer.ts'
import { recordEvents } from './event-recorder.ts'
import { removeExpected, writeExpected, type SealedWrite, sealWrite } from './credentials.ts'
import type { Database, Db, WriteOptions } from './database.ts'
import { writeExpectedDocument, type SealedDocument, sealDocument } from './documents.ts'
import { denyTokens, rememberTokens } from './issued-tokens.ts'
import { newestKey } from './data-key-store.ts'
import { rollBackOnConflict } from './savepoint.ts'

/** The rows of a change, sealed before the transaction, so that no other writer waits for the encryption. */
interface SealedChange {
  readonly writes: readonly SealedWrite[]
  readonly documents: readonly SealedDocument[]
  /** The id of the data key that sealed the rows; absent if there are none. */
  readonly key?: string
}

const rowsOf = ({ writes = [], documents = [], removals = [] }: Change): number =>
  writes.length + documents.length + removals.length

const compare = (one: string, other: string): number => Number(one > other) - Number(one < other)

/** Writes rows until the first one that does not meet its expectation. */
async function writeRows(
  db: Db,
  { connection, removals = [] }: Change,
  { writes, documents }: SealedChange,
  now: Instant,
): Promise<'done' | 'conflict'> {
  for (const one of writes) if (!(await writeExpected(db, one, now))) return 'conflict'
  for (const one of removals) if (!(await removeExpected(db, connection, one))) return 'conflict'
  for (const one of documents) if (!(await writeExpectedDocument(db, one, now))) return 'conflict'
  return 'done'
}

function optionsOf(change: Change, { writes, documents }: SealedChange): WriteOptions {
  const { connection, removals = [], deny = [], issued = [], mayBeLost = false } = change
  const first = writes[0]?.row ?? removals[0] ?? documents[0]?.name
  return {
    connection,
    order: first?.id ?? '',
    // With several rows there is a savepoint, and a denial comes after the tokens of all writes before it.
    isolated: rowsOf(change) > 1 || deny.length > 0,
    urgent: true,
    // A change of anything but events is on the disk when its commit resolves.
    mayBeLost: mayBeLost && rowsOf(change) + deny.length + issued.length === 0,
  }
}

/** Whether a change was stored before. Its events have ids of their own. */
async function wasStored(db: Db, { connection, events: [first] = [] }: Change): Promise<boolean> {
  if (!first) return false
  const row = await db
    .selectFrom('events')
    .select('count')
    .where('connection', '=', connection)
    .where('id', '=', first.id)
    .executeTakeFirst()
  return row !== undefined
}

/** An erasure that is about to be committed. */
export interface RecordedErasure {
  readonly at: Instant
  readonly connection: string
  readonly subject: string
}

/** What commits need. */
export interface CommitParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly route: Route
  readonly random: Random
  /**
   * Lists erasures outside of the database before they are committed, so that a restore of an older backup can
   * repeat them. An erasure whose commit fails stays listed. Default: nothing is listed.
   */
  readonly listErasures?: (erasures: readonly RecordedErasure[]) => Promise<void>
}

/** Without this error, a commit would wait for ever for the key of an emptied database. */
const lostKeys = (): GuestpassError =>
  new GuestpassError(
    'store_corrupt',
    'The data keys of the store were removed while it is open. Restore the store from a backup, and open it again.',
  )

/** `Ledger.commit` over any SQL database. */
export function createCommit({ database, sealer, route, random, listErasures }: CommitParts): Ledger['commit'] {
  function sealChange({ connection, writes = [], documents = [] }: Change): SealedChange {
    const hasRows = writes.length + documents.length > 0
    return {
      // Sorted by key, so that two changes lock rows in the same order and cannot deadlock.
      writes: writes.map((one) => sealWrite(sealer, one)).sort((a, b) => compare(a.row.id, b.row.id)),
      documents: documents
        .map((one) => sealDocument(sealer, random, connection, one))
        .sort((a, b) => compare(a.name.kind, b.name.kind) || compare(a.name.id, b.name.id)),
      ...(hasRows ? { key: sealer.current } : {}),
    }
  }

  /** Changes whose last commit failed, and may have taken effect all the same. A caller repeats the same object. */
  const doubtful = new WeakSet<Change>()

  const apply = async (db: Db, change: Change, sealed: SealedChange): Promise<'done' | 'conflict' | 'stale'> => {
    // Once a newer data key exists, no value is sealed with an older one, so that a rotation can end.
    if (sealed.key !== undefined && (await newestKey(db))?.id !== sealed.key) return 'stale'
    // A single row that does not meet its expectation was not written, so there is nothing to undo.
    const hasSeveralRows = rowsOf(change) > 1
    const write = () => writeRows(db, change, sealed, database.now())
    if ((hasSeveralRows ? await rollBackOnConflict(db, write) : await write()) === 'conflict')
      return doubtful.has(change) && (await wasStored(db, change)) ? 'done' : 'conflict'
    for (const id of change.deny ?? []) await denyTokens(db, change.connection, id)
    // Tokens and events are written at the end of the transaction, which other changes share.
    rememberTokens(db, change.connection, change.issued ?? [])
    recordEvents(db, change.events ?? [], route)
    return 'done'
  }

  return async (change) => {
    checkOneConnection(change)
    const erasures = (change.events ?? []).filter(({ type }) => type === 'GUEST_ERASED')
    if (erasures.length > 0) await listErasures?.(erasures)
    const isErasure = change.writes?.some(({ credential }) => credential.status === 'erased') ?? false
    const scrub = isErasure || (change.removals?.length ?? 0) > 0
    for (;;) {
      const sealed = sealChange(change)
      const options = { ...optionsOf(change, sealed), scrub }
      const outcome = await database
        .write((db) => apply(db, change, sealed), options)
        .catch((thrown: unknown) => {
          if (asGuestpassError(thrown).reason === UNREACHABLE) doubtful.add(change)
          throw thrown
        })
      if (outcome !== 'stale') return outcome
      await sealer.reload()
      if (sealer.current === sealed.key && (await database.write(newestKey)) === undefined) throw lostKeys()
    }
  }
}
