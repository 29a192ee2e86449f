import { GuestpassError } from '@guestpass/core'
import { keysRotated } from '@guestpass/core/store-kit'
import { type DataKeyStore, newDataKey, type StoredDataKey, wrapKey } from '../seal/data-keys.ts'
import type { KeyRing } from '../seal/key-ring.ts'
import { recordEvents } from './event-recorder.ts'
import type { CommitParts } from './commit.ts'
import { connectionsOf } from './connections.ts'
import { newestKey } from './data-key-store.ts'
import { type SealedColumn, sealedColumns, type SealedValue } from './sealed-columns.ts'

/** Options of `StoreKeys.rotate`. */
export interface RotationOptions {
  /** Who starts the rotation, for the audit log. Default `library`. */
  readonly actor?: string
  /** Called before the first batch and after every batch. `done` and `total` count sealed values. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  /** Stops the rotation between two batches. The next rotation continues there. */
  readonly signal?: AbortSignal
}

/** The result of `StoreKeys.rotate`. */
export interface Rotation {
  /** The id of the data key that seals from now on. */
  readonly key: string
  /** The ids of the data keys that were removed. */
  readonly retired: readonly string[]
  /** How many values this call sealed again. */
  readonly values: number
  /** True if this call completed an earlier rotation. Then it made no new key. */
  readonly resumed: boolean
}

export interface RotationParts extends CommitParts {
  readonly dataKeys: DataKeyStore
  readonly keyRing: KeyRing
}

/** Values sealed again in one transaction. Few, because all other writers wait for it. */
const BATCH = 64

/** Another rotation has made a newer key, so this one must start again with that key. */
const SUPERSEDED = 'superseded'
type Superseded = typeof SUPERSEDED

/** The progress of one pass over all sealed values. */
interface Progress {
  done: number
  total: number
  values: number
  /** The first error of a value that does not open. */
  fault?: unknown
}

/**
 * Makes a new data key, seals every value with it and removes the old keys, while other processes read and
 * write. If an earlier rotation was not completed, continues with the key of that one.
 */
export async function rotate(parts: RotationParts, options: RotationOptions = {}): Promise<Rotation> {
  const { keys, resumed } = await ensureNewKey(parts)
  await rewrapKeys(parts, keys)
  await parts.sealer.reload()
  const target = parts.sealer.current
  const total = await countOldValues(parts, target)
  const progress: Progress = { done: 0, total, values: 0 }
  options.onProgress?.({ done: 0, total })
  if ((await resealAll(parts, target, progress, options)) === SUPERSEDED) return rotate(parts, options)
  if (progress.fault !== undefined) throw progress.fault
  const old = keys.map(({ id }) => id).filter((id) => id !== target)
  const retired = await retireKeys(parts, target, {
    keys: old,
    values: progress.values,
    actor: options.actor ?? 'library',
  })
  if (retired === SUPERSEDED) return rotate(parts, options)
  return { key: target, retired, values: progress.values, resumed }
}

interface RotationKeys {
  readonly keys: readonly StoredDataKey[]
  readonly resumed: boolean
}

/** Makes the new key, unless an earlier rotation has made one and was not completed. */
async function ensureNewKey({ dataKeys, keyRing, random }: RotationParts): Promise<RotationKeys> {
  const before = await dataKeys.all()
  const fresh = before.length > 1 ? undefined : await newDataKey(keyRing, random)
  if (fresh) await dataKeys.addAfter(before.at(-1)?.id, fresh)
  const keys = await dataKeys.all()
  return { keys, resumed: fresh === undefined || keys.at(-1)?.id !== fresh.id }
}

/**
 * Wraps every data key with the first key of the ring, so that this key alone opens the store from now on.
 */
async function rewrapKeys({ dataKeys, keyRing }: RotationParts, keys: readonly StoredDataKey[]): Promise<void> {
  for (const key of keys.filter(({ wrappedBy }) => wrappedBy !== keyRing.id)) {
    await dataKeys.rewrap(key, await wrapKey(keyRing, await keyRing.unwrap(key, key.id), key.id))
  }
}

const countOldValues = ({ database }: RotationParts, target: string): Promise<number> =>
  database.read(async (db) => {
    let sum = 0
    for (const column of sealedColumns) sum += await column.count(db, target, 'others')
    return sum
  })

async function resealAll(
  parts: RotationParts,
  target: string,
  progress: Progress,
  { onProgress, signal }: RotationOptions,
): Promise<Superseded | undefined> {
  for (const column of sealedColumns) {
    let after: SealedValue | undefined
    for (;;) {
      signal?.throwIfAborted()
      const page = { limit: BATCH, ...(after ? { after } : {}) }
      const values = await parts.database.read((db) => column.page(db, target, page))
      if (values.length === 0) break
      if ((await resealBatch(parts, { column, target, values }, progress)) === SUPERSEDED) return SUPERSEDED
      onProgress?.({ done: progress.done, total: Math.max(progress.total, progress.done) })
      after = values.at(-1)
    }
  }
  return undefined
}

interface Batch {
  readonly column: SealedColumn
  readonly target: string
  readonly values: readonly SealedValue[]
}

async function resealBatch(
  parts: RotationParts,
  { column, target, values }: Batch,
  progress: Progress,
): Promise<Superseded | undefined> {
  const ready: { readonly value: SealedValue; readonly after: Uint8Array }[] = []
  for (const value of values) {
    const after = await reseal(parts, value, progress)
    if (after) ready.push({ value, after })
  }
  const replaced = await parts.database.write(async (db) => {
    if ((await newestKey(db))?.id !== target) return SUPERSEDED
    let count = 0
    for (const { value, after } of ready) if (await column.replace(db, value, after)) count += 1
    return count
  })
  if (replaced === SUPERSEDED) return SUPERSEDED
  progress.values += replaced
  progress.done += values.length
  return undefined
}

/** The value sealed with the new key. Undefined if it does not open, which `progress.fault` keeps. */
async function reseal(
  { sealer }: RotationParts,
  value: SealedValue,
  progress: Progress,
): Promise<Uint8Array | undefined> {
  try {
    return sealer.seal(value.context, await sealer.open(value.context, value.bytes()))
  } catch (thrown) {
    if (!(thrown instanceof GuestpassError) || thrown.code !== 'store_corrupt') throw thrown
    progress.fault ??= thrown
    return undefined
  }
}

interface Retirement {
  readonly keys: readonly string[]
  readonly values: number
  readonly actor: string
}

/** Removes old keys. If this call removed any, records an event for every connection. */
async function retireKeys(
  { database, random, route }: RotationParts,
  target: string,
  { keys, values, actor }: Retirement,
): Promise<readonly string[] | Superseded> {
  if (keys.length === 0) return []
  const correlationId = random.uuid()
  return database.write(
    async (db) => {
      if ((await newestKey(db))?.id !== target) return SUPERSEDED
      const gone = await db.deleteFrom('keys').where('id', 'in', keys).returning('id').execute()
      if (gone.length === 0) return []
      for (const connection of await connectionsOf(db)) {
        const about = { actor, connection, subject: target, correlationId }
        const rotated = keysRotated(about, { id: random.uuid(), at: database.now(), keys: gone.length, values })
        recordEvents(db, [rotated], route)
      }
      return gone.map(({ id }) => id)
    },
    // The files must not keep what the old keys sealed.
    { scrub: true },
  )
}
