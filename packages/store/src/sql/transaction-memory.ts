import type { Event } from '@guestpass/core'
import type { Insertable } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** An event that waits for the end of its transaction, and the sinks that get it. */
export interface Recorded {
  readonly event: Event
  readonly sinks: readonly string[]
}

/** What the jobs of a transaction share. */
export interface TransactionMemory {
  /** Read once: nothing changes it before the transaction is over. */
  newestKey?: { readonly id: string; readonly created_at: number }
  /** Written together at the end, so that the ends of their chains are held for a moment only. */
  readonly events: Recorded[]
  /** Likewise; by connection and fingerprint. */
  readonly issued: Map<string, Insertable<Tables['issued']>>
  /** Rows written that end by themselves. */
  expiring: number
}

const memories = new WeakMap<Db, TransactionMemory>()

export function memoryOf(transaction: Db): TransactionMemory {
  const memory = memories.get(transaction) ?? { events: [], issued: new Map(), expiring: 0 }
  memories.set(transaction, memory)
  return memory
}
