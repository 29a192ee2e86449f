import { constants } from 'node:fs'
import { access, link, realpath, rename, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, GuestpassError, type Random } from '@guestpass/core'
import { createPrivateFolder } from '../private-folder.ts'
import type { KeyRing } from '../seal/key-ring.ts'
import type { SealedStore } from '../sql/store-keys.ts'
import { fileError } from './backup.ts'
import { checkCopy, checkSchema, copyDatabase, openRaw, removeDatabase } from './database-copy.ts'
import { type ErasureRecord, readErasures } from './erasure-list.ts'
import { isBusy, toStoreError } from './errors.ts'
import { exists, syncFile, syncFolder } from './files.ts'
import { erasedGuestsIn, replacedPath } from './replaced.ts'
import { sqliteStore } from './sqlite-store.ts'

/** What `restoreStore` restores, and where to. */
export interface RestoreOptions<T> {
  /** The path of the database to replace. It need not exist. */
  readonly path: string
  /** The path of the backup. It stays as it is. */
  readonly from: string
  /** The key ring of the backup. */
  readonly keyRing: KeyRing
  readonly clock: Clock
  readonly random: Random
  /**
   * Works on the restored store before it gets its path. `erasures`: the list of erasures beside the database,
   * which a restore does not replace. If it rejects, nothing is replaced.
   */
  readonly prepare: (store: SealedStore, erasures: readonly ErasureRecord[]) => Promise<T>
}

/** The result of `restoreStore`. */
export interface StoreRestore<T> {
  /** Where the replaced database is now. Absent if there was none. */
  readonly replaced?: string
  /** Absent, or true if the replaced database is damaged, so that no process that uses it could be seen. */
  readonly wasDamaged?: true
  /** How many guests of the list of erasures the replaced database holds. Absent for none, or if it is damaged. */
  readonly erasedInReplaced?: number
  /** What `prepare` resolved to. */
  readonly prepared: T
}

/**
 * Replaces the database of a store by a backup, in one step: another process finds the former database or the
 * prepared one. The former database is kept beside it. No process may use the store meanwhile.
 *
 * @throws `store_busy` if a process has the store open; `store_newer` if a newer version wrote the backup;
 *   `store_corrupt`, `store_wrong_key`, `store_unavailable` as `sqliteStore`. Then nothing is replaced.
 */
export async function restoreStore<T>(options: RestoreOptions<T>): Promise<StoreRestore<T>> {
  const { path, from, random } = options
  await checkBackupFile(options)
  const isNewFolder = !(await exists(dirname(path)))
  await createPrivateFolder(dirname(path))
  const former = (await exists(path)) ? lockFormer(path) : undefined
  const draft = `${path}.${random.uuid()}.part`
  try {
    const prepared = await prepareDraft(options, draft).catch((thrown: unknown) => {
      const error = fileError(thrown, { at: draft, shown: from, path: from, written: path })
      throw error.code === 'store_corrupt' ? noBackup(options, error, former !== undefined) : error
    })
    const erasedInReplaced = former && former !== 'damaged' ? erasedGuestsIn(former, await readErasures(path)) : 0
    const replaced = former && (await keepFormer(path, former, options))
    await rename(draft, path)
    await syncFolder(dirname(path))
    return {
      prepared,
      ...(replaced === undefined ? {} : { replaced }),
      ...(former === 'damaged' ? { wasDamaged: true as const } : {}),
      ...(erasedInReplaced ? { erasedInReplaced } : {}),
    }
  } catch (thrown) {
    throw thrown instanceof GuestpassError ? thrown : fileError(thrown, { at: draft, shown: path, path })
  } finally {
    if (former !== undefined && former !== 'damaged') former.close()
    await removeDatabase(draft)
    // Fails, as it should, if the restored database is in it.
    if (isNewFolder) await rmdir(dirname(path)).catch(() => {})
  }
}

const GIVE_BACKUP = 'Give the path of a file that `backup` wrote.'

/** The error of a file that is no backup, or a damaged one. The advice for a damaged store does not fit it. */
function noBackup(
  { path, from }: Pick<RestoreOptions<unknown>, 'path' | 'from'>,
  error: GuestpassError,
  hasFormer: boolean,
): GuestpassError {
  const kept = hasFormer ? ` The store ${path} was not changed.` : ''
  return new GuestpassError(
    'store_corrupt',
    `Nothing was restored: ${from} is no backup of Guestpass (${faultOf(error)}).${kept} ${GIVE_BACKUP}`,
    { cause: error },
  )
}

/** What is wrong with a file, as the innermost cause says it: without a path and without advice. */
function faultOf(error: Error): string {
  return error.cause instanceof Error ? faultOf(error.cause) : error.message
}

async function checkBackupFile({ path, from }: Pick<RestoreOptions<unknown>, 'path' | 'from'>): Promise<void> {
  const real = (file: string): Promise<string> => realpath(file).catch(() => file)
  const isReadable = await access(from, constants.R_OK).then(
    () => true,
    () => false,
  )
  const message = isReadable ? 'is the store itself' : 'cannot be read'
  if (isReadable && (await real(from)) !== (await real(path))) return
  const remedy = GIVE_BACKUP
  const fields = [{ field: 'file', message: `${from} ${message}`, remedy }]
  throw new GuestpassError('invalid_input', `file: ${from} ${message}. ${remedy}`, { fields })
}

/** A database that no other process can open while it is locked. */
type Former = DatabaseSync | 'damaged'

/**
 * Locks a database against all other processes. SQLite changes the journal mode only if no other process has
 * the database open. Throws `store_busy` otherwise.
 */
function lockFormer(path: string): Former {
  const raw = openRaw(path, false)
  try {
    raw.exec('pragma journal_mode = delete; begin exclusive')
    if (raw.prepare('pragma journal_mode').get()?.['journal_mode'] !== 'delete') throw inUse(path)
    return raw
  } catch (thrown) {
    raw.close()
    if (thrown instanceof GuestpassError) throw thrown
    if (isBusy(thrown)) throw inUse(path, thrown)
    const error = toStoreError(thrown, path)
    if (error.code === 'store_corrupt') return 'damaged'
    throw error
  }
}

const inUse = (path: string, cause?: unknown): GuestpassError =>
  new GuestpassError(
    'store_busy',
    `Nothing was restored: a process has the store ${path} open. Stop every process that uses it, then repeat.`,
    { cause },
  )

/** Copies the backup beside the database, brings it to this version, and lets the caller work on it. */
async function prepareDraft<T>(
  { path, from, keyRing, clock, random, prepare }: RestoreOptions<T>,
  draft: string,
): Promise<T> {
  const source = openRaw(from, true)
  try {
    await checkSchema(source, from)
    await copyDatabase(source, draft)
  } finally {
    source.close()
  }
  await checkCopy(draft, keyRing, random)
  const store = await sqliteStore({ path: draft, keyRing, clock, random })
  let prepared: T
  try {
    prepared = await prepare(store, await readErasures(path))
  } finally {
    await store.close()
  }
  await syncFile(draft)
  return prepared
}

/** Gives the former database a second name beside its own, which the restored one then takes. */
async function keepFormer<T>(path: string, former: Former, { clock }: RestoreOptions<T>): Promise<string> {
  const kept = replacedPath(path, clock.wall())
  const linked = await link(path, kept).then(
    () => true,
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'EEXIST') throw thrown
      return false
    },
  )
  if (former === 'damaged') {
    if (!linked) await rename(path, kept)
    // The log belongs to the damaged database, and must not be applied to the restored one.
    for (const end of ['-wal', '-shm']) if (await exists(path + end)) await rename(path + end, kept + end)
  } else if (!linked) {
    // Some file systems have no hard links.
    await copyDatabase(former, kept)
  }
  return kept
}
