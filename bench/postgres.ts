/** A PostgreSQL server for the measures, and the store on it. */
import { readFileSync } from 'node:fs'
import type { Clock, Random, Store } from '@guestpass/core'
import { localKeyRing, postgresStore } from '@guestpass/store/postgres'
import { ensureDebianBinaries, INSTALL, type PostgresServer, startPostgres } from '../tools/postgres/server.ts'

/** Durable at every commit. As much memory as a small server gives it. */
const SETTINGS = { fsync: 'on', shared_buffers: '256MB', max_wal_size: '2GB', max_connections: '100' }

/** Why a measure on PostgreSQL is skipped. */
export const NO_POSTGRES = `PostgreSQL is not installed (${INSTALL})`

/** Starts a server of its own. Installs PostgreSQL if that is allowed here. Undefined: there is none. */
export async function benchServer(): Promise<PostgresServer | undefined> {
  const binaries = ensureDebianBinaries(true)
  return binaries === undefined ? undefined : startPostgres(binaries, SETTINGS)
}

/** The store on PostgreSQL, as people get it. */
export const benchPostgresStore = (
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { url, key }: { readonly url: string; readonly key: string },
): Promise<Store> => postgresStore({ url, keyRing: localKeyRing(key, { random }), clock, random })

/** Clock ticks in a second, of the times in /proc. */
const TICKS = 100
const MICROSECONDS = 1_000_000

/** The fields of /proc/PID/stat behind the name, from the third one on. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The numbers of a process: user, system, and those of its children that have ended. In microseconds. */
function cpuOf(pid: number): number {
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = statOf(pid).slice(11, 15).map(Number)
  return ((user + system + endedUser + endedSystem) * MICROSECONDS) / TICKS
}

/** The time on the processor of a server with all its processes so far, in microseconds. On Linux only. */
export function serverCpu(server: PostgresServer): number {
  const pid = server.pid()
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  return [pid, ...children].reduce((sum, one) => sum + cpuOf(one), 0)
}
