/** Starts PgBouncer in transaction mode before a server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { type PostgresServer, serverFolder, serverUser, untilReady } from './server.ts'

const BINARY = '/usr/sbin/pgbouncer'

/** Whether PgBouncer is installed. */
export const hasPgBouncer = (): boolean => existsSync(BINARY)

/** A running pooler. */
export interface Pooler {
  readonly url: (database: string) => string
  readonly stop: () => Promise<void>
}

/** Starts a pooler with few connections to the server, which its clients share transaction by transaction. */
export async function startPgBouncer(server: PostgresServer): Promise<Pooler> {
  const user = serverUser()
  const folder = await serverFolder(user)
  const port = await freePort()
  const settings = join(folder, 'pgbouncer.ini')
  await writeFile(join(folder, 'users.txt'), '"postgres" ""\n', { mode: 0o644 })
  await writeFile(
    settings,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`,
    { mode: 0o644 },
  )
  const child = spawn(BINARY, ['-q', settings], { ...user, cwd: folder, stdio: 'ignore' })
  const url = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`
  await untilReady(url('postgres'), child)
  return {
    url,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
