import type { Event } from '@guestpass/core'
import type { Insertable } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** An event to write at the end of the transaction, and its sinks. */
export interface RecordedEvent {
  readonly event: Event
  readonly sinks: readonly string[]
}

/** The newest data key of a store. */
export interface NewestKey {
  readonly id: string
  readonly created_at: number
}

/** What all jobs of a transaction share. */
export interface TransactionState {
  /** Cached, because it cannot change during the transaction. */
  newestKey?: Promise<NewestKey | undefined>
  /** Written at the end, so that chain heads are locked only briefly. */
  readonly events: RecordedEvent[]
  /** Written at the end. By connection and fingerprint. */
  readonly issued: Map<string, Insertable<Tables['issued']>>
  /** How many rows with an expiry were written. */
  expiring: number
}

const states = new WeakMap<Db, TransactionState>()

/** The state of a transaction, created at the first call. */
export function transactionState(transaction: Db): TransactionState {
  const memory = states.get(transaction) ?? { events: [], issued: new Map(), expiring: 0 }
  states.set(transaction, memory)
  return memory
}
