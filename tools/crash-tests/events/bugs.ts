import type { ConnectionPorts, Store } from '@guestpass/core'
import { HttpFault } from '@guestpass/core/runtime-kit'
import type { FoundCredential } from '@guestpass/core/store-kit'

/** Bugs that can be built into a worker. A suite must find each of them. */
export const bugs = ['no-intent', 'no-recheck', 'all-lost', 'gives-up', 'unbounded', 'blind'] as const

type Bug = (typeof bugs)[number]

type Ports = ConnectionPorts

/** The ports of a worker with a bug built in; unchanged for any other text. */
export function withBug(bug: string, ports: Ports): Ports {
  switch (bug as Bug | '') {
    case 'no-intent':
      return { ...ports, store: withoutIntents(ports.store) }
    case 'all-lost':
      return { ...ports, http: allLost(ports) }
    case 'gives-up':
      return { ...ports, store: exitingOnFailure(ports.store) }
    case 'unbounded':
      return { ...ports, store: leaseByWriterClock(ports) }
    case 'no-recheck':
      return { ...ports, store: trustingMemory(ports.store), http: alwaysSending(ports) }
    case 'blind':
      return { ...ports, store: blindToOthers(ports.store) }
    default:
      return ports
  }
}

/** Shows with kills: intents are not stored, so that a lost answer is posted again undeclared. */
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

/**
 * Shows with pauses: a lease that was granted once counts as held, and a row is the one that this process
 * read last.
 */
function trustingMemory(store: Store): Store {
  const leased = new Set<string>()
  const rows = new Map<string, FoundCredential>()
  return {
    ...store,
    async lease(connection, name, holder, ms, credential) {
      const found = rows.get(credential ?? '')
      if (leased.has(holder)) return { granted: true, endsInMs: ms, ...(found ? { found } : {}) }
      const answer = await store.lease(connection, name, holder, ms, credential)
      if (answer.granted) leased.add(holder)
      if (answer.found && credential !== undefined) rows.set(credential, answer.found)
      return answer
    },
    async release(connection, name, holder) {
      leased.delete(holder)
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

/** Shows with pauses: the check before the send stops no request. */
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
            // The request is sent although the check failed.
          }
        },
      },
      signal,
    )

/** Shows with faults before the send: each counts as a lost answer. */
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

/** Shows with full disks: the first commit that fails ends the process, and its tokens are lost. */
const exitingOnFailure = (store: Store): Store => ({
  ...store,
  ensureRoom: async () => {},
  commit: (change) => store.commit(change).catch(() => process.exit(1)),
})

/** Shows with wrong clocks: a lease ends by the clock that wrote it, also if that was far ahead. */
const leaseByWriterClock = ({ store, clock }: Ports): Store => ({
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

/** Shows with creates: a process does not read the documents of others, as the create ledger of a person. */
function blindToOthers(store: Store): Store {
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
