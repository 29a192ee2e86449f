import type { ConnectionPorts, Store } from '@guestpass/core'
import { HttpFault } from '@guestpass/core/runtime-kit'
import type { Found } from '@guestpass/core/store-kit'

/** Faults of a worker that a suite must catch, each of one class. */
export const bugs = ['no-intent', 'no-recheck', 'all-lost', 'gives-up', 'unbounded', 'blind'] as const

export type Bug = (typeof bugs)[number]

type Ports = ConnectionPorts

/** The ports of a worker with one of the faults built in. */
export function withBug(bug: string, ports: Ports): Ports {
  switch (bug as Bug | '') {
    case 'no-intent':
      return { ...ports, store: withoutIntents(ports.store) }
    case 'all-lost':
      return { ...ports, http: allLost(ports) }
    case 'gives-up':
      return { ...ports, store: givingUp(ports.store) }
    case 'unbounded':
      return { ...ports, store: unbounded(ports) }
    case 'no-recheck':
      return { ...ports, store: fromMemory(ports.store), http: alwaysSending(ports) }
    case 'blind':
      return { ...ports, store: blind(ports.store) }
    default:
      return ports
  }
}

/** Kills: intents are not written down, so that a lost answer is posted again as if nothing had been. */
const withoutIntents = (store: Store): Store => ({
  ...store,
  commit: (change) =>
    store.commit({
      ...change,
      writes: (change.writes ?? []).map(({ credential: { intent: _forgotten, ...credential }, expect }) => ({
        credential: { ...credential, status: 'active' },
        expect,
      })),
    }),
})

/** Pauses: a lease that was granted once counts as held, and the row is what this process remembers of it. */
function fromMemory(store: Store): Store {
  const held = new Set<string>()
  const rows = new Map<string, Found>()
  return {
    ...store,
    async lease(connection, name, holder, ms, credential) {
      const found = rows.get(credential ?? '')
      if (held.has(holder)) return { granted: true, endsInMs: ms, ...(found ? { found } : {}) }
      const answer = await store.lease(connection, name, holder, ms, credential)
      if (answer.granted) held.add(holder)
      if (answer.found && credential !== undefined) rows.set(credential, answer.found)
      return answer
    },
    async release(connection, name, holder) {
      held.delete(holder)
      await store.release(connection, name, holder)
    },
    async commit(change) {
      const outcome = await store.commit(change)
      for (const { credential, expect } of outcome === 'done' ? (change.writes ?? []) : []) {
        const revision = (expect.revision ?? rows.get(credential.id)?.revision ?? 0) + 1
        rows.set(credential.id, { now: Date.now(), credential, revision })
      }
      return outcome
    },
  }
}

/** Pauses: nothing keeps a request from leaving. */
const alwaysSending =
  ({ http }: Ports): Ports['http'] =>
  ({ onSend, ...request }, signal) =>
    http(
      {
        ...request,
        onSend() {
          try {
            onSend?.()
          } catch {
            // It is sent all the same.
          }
        },
      },
      signal,
    )

/** Faults before the send: each counts as a lost answer. */
const allLost =
  ({ http }: Ports): Ports['http'] =>
  async (request, signal) => {
    try {
      return await http(request, signal)
    } catch (thrown) {
      if (thrown instanceof HttpFault && thrown.kind === 'unsent') throw new HttpFault('lost', thrown.message)
      throw thrown
    }
  }

/** Full disks: the first commit that fails ends the process, and what it has in hand. */
const givingUp = (store: Store): Store => ({
  ...store,
  ensureRoom: async () => {},
  commit: (change) => store.commit(change).catch(() => process.exit(1)),
})

/** Clocks: a lease ends when the clock that wrote it says so, however far ahead that was. */
const unbounded = ({ store, clock }: Ports): Store => ({
  ...store,
  async lease(connection, name, holder, ms, ...rest) {
    const answer = await store.lease(connection, name, holder, ms, ...rest)
    const fact = `lease ${name}`
    const stored = (await store.fact(connection, fact)) as { holder: string; until: number } | undefined
    const left = stored && stored.holder !== holder ? stored.until - clock.wall() : 0
    if (left > 0) return { ...answer, granted: false, endsInMs: left }
    if (answer.granted) await store.setFact(connection, fact, { holder, until: clock.wall() + ms })
    return answer
  },
  async release(connection, name, holder) {
    await store.setFact(connection, `lease ${name}`, { holder, until: 0 })
    await store.release(connection, name, holder)
  },
})

/** Creates: what another process wrote down under the key of a person is not seen. */
function blind(store: Store): Store {
  const own = new Set<string>()
  return {
    ...store,
    async document(connection, kind, id) {
      const { value, ...rest } = await store.document(connection, kind, id)
      return own.has(id) && value !== undefined ? { ...rest, value } : rest
    },
    async commit(change) {
      for (const { id } of change.documents ?? []) own.add(id)
      return store.commit(change)
    },
  }
}
