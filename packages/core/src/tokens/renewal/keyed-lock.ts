import { askForLease, type Lease, untilAskedAgain } from './lease.ts'
import type { RenewalPorts } from './renewal.ts'

/**
 * Lets those who come for the same thing in one after the other, over all processes. It saves requests, and is never what keeps data right.
 * The work is given its turn, with the lease, which a process that slept may have lost.
 */
export type Turns = <T>(name: string, work: (turn: Turn) => Promise<T>, signal?: AbortSignal) => Promise<T>

/** The turn of the one who works. */
export interface Turn {
  readonly lease: Lease
  /** Whether others were first. */
  readonly waited: boolean
}

export function turns(connection: string, ports: RenewalPorts): Turns {
  const { clock, random } = ports
  const holder = `${ports.holder}/${random.uuid()}`
  const last = new Map<string, Promise<unknown>>()

  async function taken(name: string, isBehind: boolean, signal: AbortSignal | undefined): Promise<Turn> {
    for (let waited = isBehind; ; waited = true) {
      signal?.throwIfAborted()
      const leased = await askForLease({ connection, name, holder }, ports)
      if (leased.lease) return { lease: leased.lease, waited }
      await clock.sleep(untilAskedAgain(leased, random), signal)
    }
  }

  async function inTurn<T>(turn: Turn, work: (turn: Turn) => Promise<T>): Promise<T> {
    try {
      return await work(turn)
    } finally {
      await turn.lease.end()
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
