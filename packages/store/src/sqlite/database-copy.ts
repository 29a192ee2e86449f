import { open, rm } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import type { Random } from '@guestpass/core'
import { Kysely } from 'kysely'
import type { KeyRing } from '../seal/key-ring.ts'
import { createSealer } from '../seal/sealer.ts'
import { dataKeysIn } from '../sql/data-key-store.ts'
import type { Tables } from '../sql/schema.ts'
import { nodeSqliteDialect, retryWhileBusy, SLICE_MS } from './dialect.ts'
import { corruptStoreError } from './errors.ts'
import { isCurrent } from './migrate.ts'
import { loadNodeSqlite } from './node-sqlite.ts'

const PRIVATE = 0o600
/** All pages in one step: a consistent copy, also while other processes write. */
const ALL_PAGES = 2 ** 31 - 1
const BUSY_MS = 5_000

/** Opens a database without changing its schema. */
export function openRaw(path: string, readOnly: boolean): DatabaseSync {
  const { DatabaseSync } = loadNodeSqlite()
  return new DatabaseSync(path, { timeout: SLICE_MS, readOnly })
}

/** Queries on an open database. */
export const kyselyOver = (raw: DatabaseSync): Kysely<Tables> =>
  new Kysely<Tables>({ dialect: nodeSqliteDialect(raw, BUSY_MS) })

/**
 * Checks that a database is a store of this version or an older one. Rejects with `store_corrupt` and
 * `store_newer`.
 */
export const checkSchema = async (raw: DatabaseSync, path: string): Promise<void> => {
  const isEmpty = raw.prepare('select count(*) as n from sqlite_master').get()?.['n'] === 0
  if (isEmpty) throw corruptStoreError(path, 'is an empty database')
  await retryWhileBusy(BUSY_MS, () => isCurrent(kyselyOver(raw), path))
}

/** Copies an open database into a new file of mode 0600, as one file without a log. */
export async function copyDatabase(from: DatabaseSync, to: string): Promise<void> {
  const { backup } = loadNodeSqlite()
  await (await open(to, 'wx', PRIVATE)).close()
  await retryWhileBusy(BUSY_MS, () => backup(from, to, { rate: ALL_PAGES }))
  const copy = openRaw(to, false)
  try {
    copy.exec('pragma journal_mode = delete')
  } finally {
    copy.close()
  }
}

/**
 * Checks a copy by reading all of it, and by opening its data keys. Rejects with `store_corrupt`,
 * `store_newer` and `store_wrong_key`.
 */
export async function checkCopy(path: string, keyRing: KeyRing, random: Random): Promise<void> {
  const copy = openRaw(path, true)
  try {
    await checkSchema(copy, path)
    const { integrity_check: verdict } = copy.prepare('pragma integrity_check(1)').get() ?? {}
    if (verdict !== 'ok') throw corruptStoreError(path, `is damaged (${String(verdict)})`)
    await createSealer(dataKeysIn(kyselyOver(copy)), keyRing, random)
  } finally {
    copy.close()
  }
}

/** Removes a database and the files beside it. */
export async function removeDatabase(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal', '-reserve', '.erasures']) await rm(path + end, { force: true })
}
