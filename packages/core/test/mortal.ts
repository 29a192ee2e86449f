import type { Store } from '../src/ports/store.ts'

/** The store of a process as `kill -9` leaves it: nothing that the process asks of it is done or answered any more. */
export function mortal(store: Store): { readonly store: Store; kill(): void } {
  let isDead = false
  const guarded = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name)
        if (typeof value === 'object' && value !== null) return guarded(value)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) =>
          isDead ? new Promise(() => {}) : (Reflect.apply(value, of, args) as Promise<unknown>)
      },
    })
  return { store: guarded(store), kill: () => (isDead = true) }
}
