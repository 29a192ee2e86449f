import { type Millis, SECOND } from '../domain/time.ts'
import { heartbeat } from '../tokens/heartbeat.ts'
import type { RenewalPorts } from '../tokens/renewal.ts'

/** Short, because whoever holds it prolongs it: a process that dies keeps the others waiting only this long. */
const LEASE: Millis = 5 * SECOND
const GLANCE: Millis = 50

/** Lets those who come for the same thing in one after the other, over all processes. It saves requests, and is never what keeps data right. */
export type Turns = <T>(name: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

export function turns(connection: string, ports: RenewalPorts): Turns {
  const { store, clock, random } = ports
  const holder = `${ports.holder}/${random.uuid()}`
  const last = new Map<string, Promise<unknown>>()

  async function leased<T>(lease: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      signal?.throwIfAborted()
      const { granted, endsInMs } = await store.lease(connection, lease, holder, LEASE)
      if (granted) break
      await clock.sleep(Math.min(endsInMs, GLANCE * (1 + random.float())), signal)
    }
    const beat = heartbeat({ connection, lease, holder, ms: LEASE }, ports)
    try {
      return await work()
    } finally {
      beat.abort()
      // A lease that cannot be given back ends by itself.
      await store.release(connection, lease, holder).catch(() => {})
    }
  }

  return async (name, work, signal) => {
    const before = last.get(name)
    const mine = (async () => {
      await before?.catch(() => {})
      return leased(name, work, signal)
    })()
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}
