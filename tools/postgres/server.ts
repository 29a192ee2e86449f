/** Starts PostgreSQL servers for tests: those of Debian, or of a folder of binaries. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { installCommand, installPackages, isCi } from '../debian-packages.ts'
import { freePort } from '../free-port.ts'
import { killAtExit } from '../kill-at-exit.ts'

const DEBIAN = '/usr/lib/postgresql'
const PACKAGES = ['postgresql-15', 'pgbouncer'] as const

/** The command that installs what the tests of PostgreSQL need. */
export const INSTALL = installCommand(PACKAGES)

/** The title of a suite, which names what enables it where it is skipped. */
export const titleOf = (suite: string, isSkipped: boolean): string =>
  isSkipped ? `${suite} (enable it: ${INSTALL})` : suite

/** The folder of the binaries of Debian's PostgreSQL 15 or newer; undefined if there is none. */
export function debianBinaries(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number) : []
  const [oldest] = versions.filter((version) => version >= 15).sort((a, b) => a - b)
  const folder = join(DEBIAN, String(oldest), 'bin')
  return existsSync(join(folder, 'postgres')) ? folder : undefined
}

/**
 * The binaries of Debian. Where there are none, installs them if the user is root; otherwise undefined.
 *
 * @param mayInstall Default: only if this is CI.
 */
export function ensureDebianBinaries(mayInstall = isCi()): string | undefined {
  const found = debianBinaries()
  if (found !== undefined || !mayInstall) return found
  installPackages(PACKAGES)
  return debianBinaries()
}

/** Who runs servers: PostgreSQL and PgBouncer refuse to run as root. */
export interface Runner {
  readonly uid?: number
  readonly gid?: number
}

/** The user `postgres` if this process is root; otherwise the user of this process. */
export function serverUser(): Runner {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** A folder of the user that runs servers. */
export async function serverFolder({ uid, gid }: Runner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guestpass-postgres-'))
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
  return folder
}

/** A running server. */
export interface PostgresServer {
  readonly port: number
  /** The process that the others of the server are children of. */
  readonly pid: () => number
  /** The address of a database of the server. */
  readonly url: (database?: string) => string
  /** Runs statements as the owner of the server. */
  readonly run: (statement: string, database?: string) => Promise<readonly Record<string, unknown>[]>
  /**
   * Stops the server, and starts it again after `downMs` milliseconds (default 0). SIGINT, the default, ends its
   * connections; SIGQUIT is like a power cut.
   */
  readonly restart: (signal?: 'SIGINT' | 'SIGQUIT', downMs?: number) => Promise<void>
  /** Sends SIGKILL to all processes of the server at once. It does not start again. */
  readonly kill: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Settings as after `-c`. */
export type PostgresSettings = Readonly<Record<string, string>>

const READY_TRIES = 200

/** Starts a server of its own in a new folder. It is durable only if `fsync` is on. */
export const startPostgres = (bin: string, settings: PostgresSettings = { fsync: 'off' }): Promise<PostgresServer> =>
  startInFolder(bin, settings, (data, options) => {
    const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    execFileSync(join(bin, 'initdb'), initdb, options)
  })

/** Starts a server whose folder of data `fill` makes. */
export async function startInFolder(
  bin: string,
  settings: PostgresSettings,
  fill: (data: string, options: Runner & { readonly cwd: string; readonly stdio: 'ignore' }) => void,
): Promise<PostgresServer> {
  const user = serverUser()
  const folder = await serverFolder(user)
  const data = join(folder, 'data')
  fill(data, { ...user, cwd: folder, stdio: 'ignore' })
  const port = await freePort()
  const url = (database = 'postgres'): string => `postgres://postgres@127.0.0.1:${port}/${database}`
  const flags = Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '100',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const start = async (): Promise<ChildProcess> => {
    const args = ['-D', data, '-p', String(port), ...flags]
    const child = spawn(join(bin, 'postgres'), args, { ...user, cwd: folder, stdio: 'ignore' })
    // A power cut: nothing can wait at the exit of this process.
    killAtExit(child, 'SIGQUIT')
    await untilReady(url(), child)
    return child
  }
  let server = await start()
  const hasEnded = (): boolean => server.exitCode !== null || server.signalCode !== null
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (hasEnded()) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  return {
    port,
    pid: () => server.pid ?? 0,
    url,
    run: (statement, database) => runOn(url(database), statement),
    async restart(signal = 'SIGINT', downMs = 0) {
      await stop(signal)
      await pause(downMs)
      server = await start()
    },
    async kill() {
      if (server.pid !== undefined && !hasEnded()) killChildren(server.pid)
      await stop('SIGKILL')
    },
    async stop() {
      await stop('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Kills the processes that serve connections. Their parent sleeps meanwhile, and starts no others. */
function killChildren(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  for (const child of children) process.kill(child, 'SIGKILL')
}

/** Runs statements on a connection of their own. */
export async function runOn(address: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: address })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Waits until a server answers. Rejects if its process ends. */
export async function untilReady(address: string, child: ChildProcess): Promise<void> {
  for (let left = READY_TRIES; ; left -= 1) {
    const isReady = await runOn(address, 'select 1').then(
      () => true,
      () => false,
    )
    if (isReady) return
    if (left === 0 || child.exitCode !== null) throw new Error('The PostgreSQL server did not start.')
    await pause(25)
  }
}

/** Changes a setting of a running server. */
export async function changeSetting(server: PostgresServer, assignment: string): Promise<void> {
  await server.run(`alter system set ${assignment}`)
  await server.run('select pg_reload_conf()')
}

/** Gives a setting of a running server the value that it started with. */
export async function resetSetting(server: PostgresServer, name: string): Promise<void> {
  await server.run(`alter system reset ${name}`)
  await server.run('select pg_reload_conf()')
}
