import type { ChainHead } from '@guestpass/core'
import type { Db } from './database.ts'

/** What a transaction has read that nobody else can change before it is over: many changes share one, and each would ask. */
export interface TransactionMemory {
  newestKey?: { readonly id: string; readonly created_at: number }
  /** Where the chain of a connection ends. */
  readonly heads: Map<string, ChainHead>
}

const memories = new WeakMap<Db, TransactionMemory>()

export function memoryOf(transaction: Db): TransactionMemory {
  const memory = memories.get(transaction) ?? { heads: new Map() }
  memories.set(transaction, memory)
  return memory
}
