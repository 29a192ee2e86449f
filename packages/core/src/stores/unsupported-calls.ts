import { GuestpassError } from '../domain/errors.ts'
import type { Outbox, Store } from '../ports/store.ts'

/**
 * Throws `config_invalid` for a call that a store does not support. `supports`: what the store does support.
 */
export function rejectUnsupported(store: string, supports: string): never {
  const [message, remedy] = [
    `is a ${store}, which supports ${supports}`,
    'Use sqliteStore() or memoryStore() for more.',
  ]
  throw new GuestpassError('config_invalid', `The store ${message}. ${remedy}`, {
    fields: [{ field: 'store', message, remedy }],
  })
}

/**
 * The outbox and the audit chain of a store that supports neither. Every call rejects with `config_invalid`.
 */
export function withoutDelivery(
  store: string,
  supports: string,
): Pick<Store, 'outbox' | 'chain' | 'chainHead' | 'prune'> {
  const rejected = async (): Promise<never> => rejectUnsupported(store, supports)
  const outbox: Outbox = {
    sinksFor: () => [],
    claim: rejected,
    settle: rejected,
    route: rejected,
    enqueue: rejected,
    deadLetters: rejected,
    counts: rejected,
    drop: rejected,
  }
  return { outbox, chain: rejected, chainHead: rejected, prune: rejected }
}
