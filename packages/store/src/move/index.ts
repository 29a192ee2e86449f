import { type Clock, GuestpassError, type Random } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import type { KeyRing } from '../seal/key-ring.ts'
import { dataKeysIn } from '../sql/data-key-store.ts'
import type { Db } from '../sql/database.ts'
import { createMapErrors, namingPlace } from '../sql/store-errors.ts'
import { exists } from '../sqlite/files.ts'
import { type DatabasePlace, type MoveEnd, openEnd } from './ends.ts'
import { copyTables, countAll, firstFilledTable, type TableDigest } from './tables.ts'

export type { KeyRing } from '../seal/key-ring.ts'
export type { DatabasePlace } from './ends.ts'
export type { TableDigest } from './tables.ts'

/** What `moveStore` copies, and where to. */
export interface MoveOptions {
  /** The database of the store. It stays as it is. */
  readonly from: DatabasePlace
  /** The database that gets the store. It must not exist, or be empty. */
  readonly to: DatabasePlace
  /** The key ring of the store. Its keys move with the data, so that the same key ring opens the copy. */
  readonly keyRing: KeyRing
  /** The clock for waits, such as `nodePorts().clock`. */
  readonly clock: Clock
  /** The source of ids, such as `nodePorts().random`. */
  readonly random: Random
  /** Called after each page of rows. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/** A store that was copied to another database, and compared with it. */
export interface Move {
  /** The rows of each table, and the digest that both databases have. */
  readonly tables: Readonly<Record<string, TableDigest>>
  /** The end of the audit chain of each connection, the same in both databases. */
  readonly chains: Readonly<Record<string, { readonly count: number; readonly hash: string }>>
}

/**
 * Copies a store from SQLite to PostgreSQL, or back, or to another database of the same kind. Rows are copied as they
 * are, sealed. All is in one transaction of the target, which is compared with the source before its end: rows by
 * digests, audit chains by their ends. Meanwhile no process can change either. Stop all processes before, because they
 * would go on with the former database.
 *
 * @param options `from`, `to`, `keyRing`, `clock` and `random`; optionally `onProgress`.
 * @returns The digests of the tables and the ends of the chains.
 * @throws `invalid_input` if the source has no store, or the target has one; `store_wrong_key` if the key ring does not
 *   open the store; `store_busy` if another process keeps a database locked; otherwise as `sqliteStore` and
 *   `postgresStore`. In each case both databases are as before.
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { nodePorts } from '@guestpass/core/node'
 * import { moveStore } from '@guestpass/store/move'
 * import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
 * const { clock, random, close } = nodePorts()
 * const keyRing = localKeyRing(randomBytes(32).toString('base64'), { random })
 * const [from, to] = [join(folder, 'one.db'), join(folder, 'two.db')] as const
 * await (await sqliteStore({ path: from, keyRing, clock, random })).close()
 * const place = (path: string) => ({ path, shown: path })
 * const { tables } = await moveStore({ from: place(from), to: place(to), keyRing, clock, random })
 * console.log(tables['keys']?.rows) // 1
 * await close()
 * await rm(folder, { recursive: true })
 * ```
 */
export async function moveStore(options: MoveOptions): Promise<Move> {
  const { from, to, clock, random } = options
  if ('path' in from && !(await exists(from.path)))
    throw refused('from', `${from.shown} does not exist`, 'Give the database of a store.')
  if (from.shown === to.shown) throw refused('to', 'is the same database', 'Give another one.')
  const source = await openEnd(from, { clock, random })
  let target: MoveEnd | undefined
  let isFailed = true
  try {
    target = await openEnd(to, { clock, random })
    const into = target
    const move = await source.exclusively((db) => into.exclusively((copy) => copyStore(db, copy, options)))
    isFailed = false
    return move
  } catch (thrown) {
    throw asGuestpassError(thrown)
  } finally {
    await target?.close(isFailed)
    await source.close(isFailed)
  }
}

async function copyStore(db: Db, copy: Db, { from, to, keyRing, onProgress }: MoveOptions): Promise<Move> {
  const keys = await dataKeysIn(db).all()
  if (keys.length === 0) throw refused('from', `${from.shown} has no store`, 'Give the database of a store.')
  const opens = createMapErrors((thrown) => namingPlace(asGuestpassError(thrown), from.shown))
  for (const key of keys) await opens(() => keyRing.unwrap(key, key.id))
  const filled = await firstFilledTable(copy)
  if (filled !== undefined)
    throw refused('to', `${to.shown} has a store (rows in ${filled})`, 'Give an empty database, or a new file.')
  const total = await countAll(db)
  let done = 0
  const tables = await copyTables(db, copy, (rows) => {
    done += rows
    onProgress?.({ done, total })
  })
  const chains = await chainEnds(db)
  if (JSON.stringify(chains) !== JSON.stringify(await chainEnds(copy)))
    throw new Error('The ends of the audit chains differ.')
  return { tables, chains }
}

async function chainEnds(db: Db): Promise<Move['chains']> {
  const heads = await db
    .selectFrom('chain_heads')
    .select(['connection', 'count', 'hash'])
    .orderBy('connection')
    .orderBy('chain')
    .execute()
  return Object.fromEntries(heads.map(({ connection, count, hash }) => [connection, { count, hash }]))
}

const refused = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field}: ${message}. ${remedy}`, { fields: [{ field, message, remedy }] })
