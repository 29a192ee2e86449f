import type { Millis } from '../domain/time.ts'
import { askForLease, type Lease } from '../tokens/lease.ts'
import type { RenewalPorts } from '../tokens/renewal.ts'

const GLANCE: Millis = 50

/**
 * Lets those who come for the same thing in one after the other, over all processes. It saves requests, and is never what keeps data right.
 * The work is given the lease, which a process that slept may have lost.
 */
export type Turns = <T>(name: string, work: (lease: Lease) => Promise<T>, signal?: AbortSignal) => Promise<T>

export function turns(connection: string, ports: RenewalPorts): Turns {
  const { clock, random } = ports
  const holder = `${ports.holder}/${random.uuid()}`
  const last = new Map<string, Promise<unknown>>()

  async function taken(name: string, signal: AbortSignal | undefined): Promise<Lease> {
    for (;;) {
      signal?.throwIfAborted()
      const { lease, endsInMs } = await askForLease({ connection, name, holder }, ports)
      if (lease) return lease
      await clock.sleep(Math.min(endsInMs, GLANCE * (1 + random.float())), signal)
    }
  }

  async function leased<T>(name: string, work: (lease: Lease) => Promise<T>, signal: AbortSignal | undefined) {
    const lease = await taken(name, signal)
    try {
      return await work(lease)
    } finally {
      await lease.end()
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
