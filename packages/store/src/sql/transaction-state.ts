import type { Event } from '@guestpass/core'
import type { Insertable } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** An event that waits for the end of its transaction, and the sinks that get it. */
export interface RecordedEvent {
  readonly event: Event
  readonly sinks: readonly string[]
}

/** What the jobs of a transaction share. */
export interface TransactionState {
  /** Read once: nothing changes it before the transaction is over. */
  newestKey?: { readonly id: string; readonly created_at: number }
  /** Written together at the end, so that the ends of their chains are held for a moment only. */
  readonly events: RecordedEvent[]
  /** Likewise; by connection and fingerprint. */
  readonly issued: Map<string, Insertable<Tables['issued']>>
  /** Rows written that end by themselves. */
  expiring: number
}

const states = new WeakMap<Db, TransactionState>()

export function transactionState(transaction: Db): TransactionState {
  const memory = states.get(transaction) ?? { events: [], issued: new Map(), expiring: 0 }
  states.set(transaction, memory)
  return memory
}
