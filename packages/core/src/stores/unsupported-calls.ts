import { GuestpassError } from '../domain/errors.ts'
import type { Outbox, Store } from '../ports/store.ts'

/** Refuses what a store does not carry, so that nothing is kept in memory alone without a word. */
export function rejectUnsupported(store: string, carries: string): never {
  const [message, remedy] = [`is a ${store}, which carries ${carries}`, 'Use sqliteStore() or memoryStore() for more.']
  throw new GuestpassError('config_invalid', `The store ${message}. ${remedy}`, {
    fields: [{ field: 'store', message, remedy }],
  })
}

/** The parts of a store that send events on and link them, refused. */
export function withoutDelivery(store: string, carries: string): Pick<Store, 'outbox' | 'chain' | 'chainHead'> {
  const refused = async (): Promise<never> => rejectUnsupported(store, carries)
  const outbox: Outbox = {
    sinksFor: () => [],
    claim: refused,
    settle: refused,
    route: refused,
    enqueue: refused,
    deadLetters: refused,
    counts: refused,
    drop: refused,
  }
  return { outbox, chain: refused, chainHead: refused }
}
