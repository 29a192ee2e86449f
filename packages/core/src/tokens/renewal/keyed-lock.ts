import { AGAIN, type Lease, type LeaseResult, withLease } from './lease.ts'
import type { RenewalPorts } from './renewal.ts'

/**
 * Runs work for one key at a time, over all processes that share the store. `signal` ends the wait for the lock.
 * The lock only saves requests: data must stay right without it, because a process that was paused may have lost
 * its lease.
 */
export type KeyedLock = <T>(key: string, work: (held: HeldLock) => Promise<T>, signal?: AbortSignal) => Promise<T>

/** The lock, while its work runs. */
export interface HeldLock {
  readonly lease: Lease
  /** Whether this work had to wait for other work for the key, in this process or another one. */
  readonly waited: boolean
}

interface LockParts {
  readonly connection: string
  readonly ports: RenewalPorts
  readonly holder: string
  /** The latest work of this process for each key. */
  readonly latest: Map<string, Promise<unknown>>
}

/**
 * Makes a lock by key for one connection. Work of one process waits in the order of its calls, and work of
 * several processes for a lease.
 */
export function createKeyedLock(connection: string, ports: RenewalPorts): KeyedLock {
  const holder = `${ports.holder}/${ports.random.uuid()}`
  const parts: LockParts = { connection, ports, holder, latest: new Map() }
  return (key, work, signal) => runLocked(parts, key, work, signal)
}

async function runLocked<T>(
  parts: LockParts,
  key: string,
  work: (held: HeldLock) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { latest } = parts
  const before = latest.get(key)
  const own = (async () => {
    await before?.catch(() => {})
    return underLease(parts, key, work, before !== undefined, signal)
  })()
  latest.set(key, own)
  try {
    return await own
  } finally {
    if (latest.get(key) === own) latest.delete(key)
  }
}

function underLease<T>(
  { connection, ports, holder }: LockParts,
  name: string,
  work: (held: HeldLock) => Promise<T>,
  hasQueued: boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  let waited = hasQueued
  const locked = ({ lease }: LeaseResult): Promise<T> | typeof AGAIN => {
    if (lease) return work({ lease, waited })
    waited = true
    return AGAIN
  }
  return withLease({ connection, name, holder }, ports, locked, signal)
}
