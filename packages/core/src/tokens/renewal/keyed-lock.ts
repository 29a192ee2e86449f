import { requestLease, type Lease, untilAskedAgain } from './lease.ts'
import type { RenewalPorts } from './renewal.ts'

/**
 * Lets those who come for the same thing in one after the other, over all processes. It saves requests, and is never what keeps data right.
 * The work is given its turn, with the lease, which a process that slept may have lost.
 */
export type KeyedLock = <T>(name: string, work: (turn: HeldLock) => Promise<T>, signal?: AbortSignal) => Promise<T>

/** The turn of the one who works. */
export interface HeldLock {
  readonly lease: Lease
  /** Whether others were first. */
  readonly waited: boolean
}

export function createKeyedLock(connection: string, ports: RenewalPorts): KeyedLock {
  const { clock, random } = ports
  const holder = `${ports.holder}/${random.uuid()}`
  const last = new Map<string, Promise<unknown>>()

  async function taken(name: string, isBehind: boolean, signal: AbortSignal | undefined): Promise<HeldLock> {
    for (let waited = isBehind; ; waited = true) {
      signal?.throwIfAborted()
      const leased = await requestLease({ connection, name, holder }, ports)
      if (leased.lease) return { lease: leased.lease, waited }
      await clock.sleep(untilAskedAgain(leased, random), signal)
    }
  }

  async function inTurn<T>(turn: HeldLock, work: (turn: HeldLock) => Promise<T>): Promise<T> {
    try {
      return await work(turn)
    } finally {
      await turn.lease.release()
    }
  }

  return async (name, work, signal) => {
    const before = last.get(name)
    const mine = (async () => {
      await before?.catch(() => {})
      return inTurn(await taken(name, before !== undefined, signal), work)
    })()
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}
