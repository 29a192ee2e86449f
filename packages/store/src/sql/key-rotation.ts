import { GuestpassError } from '@guestpass/core'
import { keysRotated } from '@guestpass/core/store-kit'
import { type DataKeyStore, newDataKey, type StoredDataKey, wrapKey } from '../seal/data-keys.ts'
import type { KeyRing } from '../seal/key-ring.ts'
import { recordEvents } from './event-recorder.ts'
import type { CommitParts } from './commit.ts'
import { connectionsOf } from './connections.ts'
import { newestKey } from './data-key-store.ts'
import { type SealedColumn, sealedColumns, type SealedValue } from './sealed-columns.ts'

export interface RotationOptions {
  /** Who asked for it, for the event; `library` by default. */
  readonly actor?: string
  /** Called after every batch: values dealt with, and how many there are in all. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  /** Stops between two batches. What was done stays done, and the next rotation goes on from there. */
  readonly signal?: AbortSignal
}

export interface Rotation {
  /** The data key that seals from now on. */
  readonly key: string
  /** Data keys that nothing needed any more, and that are gone. */
  readonly retired: readonly string[]
  /** Values that this call sealed anew. */
  readonly values: number
  /** True when it ended a rotation that had been begun before; another one makes a new key. */
  readonly resumed: boolean
}

export interface RotationParts extends CommitParts {
  readonly dataKeys: DataKeyStore
  readonly keyRing: KeyRing
}

/** Values sealed anew in one transaction: few, because everybody who writes waits for it. */
const BATCH = 64

/** Somebody began another rotation meanwhile: what this one seals would be sealed with an old key. */
const OVERTAKEN = 'overtaken'
type Overtaken = typeof OVERTAKEN

/** What a pass over all values has come to. */
interface Tally {
  done: number
  total: number
  values: number
  /** The first value that does not open, if any. */
  fault?: unknown
}

/** Makes a new data key, seals every value with it and removes the old ones, while others read and write. */
export function rotation({ database, dataKeys, sealer, keyRing, random, route }: RotationParts) {
  const { read, write, now } = database

  /** Makes the key that all is to be sealed with, unless there is one that was not brought to its end. */
  async function begun(): Promise<{ readonly keys: readonly StoredDataKey[]; readonly resumed: boolean }> {
    const before = await dataKeys.all()
    const fresh = before.length > 1 ? undefined : await newDataKey(keyRing, random)
    if (fresh) await dataKeys.addAfter(before.at(-1)?.id, fresh)
    const keys = await dataKeys.all()
    return { keys, resumed: fresh === undefined || keys.at(-1)?.id !== fresh.id }
  }

  /** So that from now on the first key of the ring opens the store alone, however far this comes. */
  async function rewrapped(keys: readonly StoredDataKey[]): Promise<void> {
    for (const key of keys.filter(({ wrappedBy }) => wrappedBy !== keyRing.id)) {
      await dataKeys.rewrap(key, await wrapKey(keyRing, await keyRing.unwrap(key, key.id), key.id))
    }
  }

  async function anew(value: SealedValue, tally: Tally): Promise<Uint8Array | undefined> {
    try {
      return sealer.seal(value.context, await sealer.open(value.context, value.bytes()))
    } catch (thrown) {
      if (!(thrown instanceof GuestpassError) || thrown.code !== 'store_corrupt') throw thrown
      tally.fault ??= thrown
      return undefined
    }
  }

  async function batch(
    column: SealedColumn,
    target: string,
    found: readonly SealedValue[],
    tally: Tally,
  ): Promise<Overtaken | undefined> {
    const ready: { readonly value: SealedValue; readonly after: Uint8Array }[] = []
    for (const value of found) {
      const after = await anew(value, tally)
      if (after) ready.push({ value, after })
    }
    const replaced = await write(async (db) => {
      if ((await newestKey(db))?.id !== target) return OVERTAKEN
      let count = 0
      for (const { value, after } of ready) if (await column.replace(db, value, after)) count += 1
      return count
    })
    if (replaced === OVERTAKEN) return OVERTAKEN
    tally.values += replaced
    tally.done += found.length
    return undefined
  }

  async function sealedAnew(
    target: string,
    tally: Tally,
    { onProgress, signal }: RotationOptions,
  ): Promise<Overtaken | undefined> {
    for (const column of sealedColumns) {
      let after: SealedValue | undefined
      for (;;) {
        signal?.throwIfAborted()
        const page = { limit: BATCH, ...(after ? { after } : {}) }
        const found = await read((db) => column.page(db, target, page))
        if (found.length === 0) break
        if ((await batch(column, target, found, tally)) === OVERTAKEN) return OVERTAKEN
        onProgress?.({ done: tally.done, total: Math.max(tally.total, tally.done) })
        after = found.at(-1)
      }
    }
    return undefined
  }

  /** Removes keys, and tells the audit log of every connection when it was this call that did. */
  async function retire(target: string, keys: readonly string[], values: number, actor: string) {
    if (keys.length === 0) return []
    const correlationId = random.uuid()
    return write(
      async (db) => {
        if ((await newestKey(db))?.id !== target) return OVERTAKEN
        const gone = await db.deleteFrom('keys').where('id', 'in', keys).returning('id').execute()
        if (gone.length === 0) return []
        for (const connection of await connectionsOf(db)) {
          const about = { actor, connection, subject: target, correlationId }
          const rotated = keysRotated(about, { id: random.uuid(), at: now(), keys: gone.length, values })
          recordEvents(db, [rotated], route)
        }
        return gone.map(({ id }) => id)
      },
      // What the old keys sealed is gone from the files too.
      { scrub: true },
    )
  }

  return async function rotate(options: RotationOptions = {}): Promise<Rotation> {
    const { keys, resumed } = await begun()
    await rewrapped(keys)
    await sealer.reload()
    const target = sealer.current
    const total = await read(async (db) => {
      let sum = 0
      for (const column of sealedColumns) sum += await column.count(db, target, 'others')
      return sum
    })
    const tally: Tally = { done: 0, total, values: 0 }
    options.onProgress?.({ done: 0, total })
    if ((await sealedAnew(target, tally, options)) === OVERTAKEN) return rotate(options)
    if (tally.fault !== undefined) throw tally.fault
    const old = keys.map(({ id }) => id).filter((id) => id !== target)
    const retired = await retire(target, old, tally.values, options.actor ?? 'library')
    if (retired === OVERTAKEN) return rotate(options)
    return { key: target, retired, values: tally.values, resumed }
  }
}
