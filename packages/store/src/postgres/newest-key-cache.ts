import type { Db } from '../sql/database.ts'
import { type NewestKey, transactionState } from '../sql/transaction-state.ts'

/**
 * Knows the newest data key by its version, which each transaction that seals reads and locks. The key is then read
 * once for each version and not in each transaction.
 */
export interface NewestKeyCache {
  /** Gives a transaction the key, if it is that of the version. */
  give(transaction: Db, version: string): void
  /** Takes the key from a transaction that was committed, if it has read or added one. */
  learn(transaction: Db, version: string): Promise<void>
  /** Called when a transaction failed: another database may be behind the address now. */
  forget(): void
}

export function createNewestKeyCache(): NewestKeyCache {
  let known: { readonly version: string; readonly key: NewestKey } | undefined
  return {
    give(transaction, version) {
      if (known?.version === version) transactionState(transaction).newestKey = Promise.resolve(known.key)
    },
    async learn(transaction, version) {
      const key = await transactionState(transaction).newestKey
      if (key) known = { version, key }
    },
    forget() {
      known = undefined
    },
  }
}
