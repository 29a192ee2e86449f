/** Starts standbys, which repeat what a server writes, and fails over to them. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { changeSetting, type PostgresServer, type PostgresSettings, startInFolder } from './server.ts'

/** A server that repeats what another one writes. */
export interface Standby extends PostgresServer {
  /** Makes it a server of its own, which takes writes. Resolves when it does. */
  promote(): Promise<void>
}

/** What a standby repeats, and how. */
export interface StandbyOptions {
  readonly bin: string
  readonly primary: PostgresServer
  /** The port on which it reaches the primary. Default: that of the primary. */
  readonly port?: number
  /** Commits of the primary wait until the standby has them on its disk. */
  readonly isSynchronous: boolean
  readonly settings?: PostgresSettings
}

const NAME = 'standby'

/** Copies the primary, and starts a standby on the copy. Resolves when it has all that was written until then. */
export async function startStandby(options: StandbyOptions): Promise<Standby> {
  const { bin, primary, port = primary.port, isSynchronous, settings = {} } = options
  const address = `host=127.0.0.1 port=${port} user=postgres application_name=${NAME}`
  const server = await startInFolder(bin, { ...settings, primary_conninfo: address }, (data, run) => {
    const copy = [
      '-D',
      data,
      '-h',
      '127.0.0.1',
      '-p',
      String(primary.port),
      '-U',
      'postgres',
      '-c',
      'fast',
      '--no-sync',
    ]
    execFileSync(join(bin, 'pg_basebackup'), copy, run)
    writeFileSync(join(data, 'standby.signal'), '')
  })
  if (isSynchronous) await changeSetting(primary, `synchronous_standby_names = '${NAME}'`)
  const state = isSynchronous ? 'sync' : 'async'
  while ((await primary.run(`select from pg_stat_replication where sync_state = '${state}'`)).length === 0)
    await pause(20)
  return {
    ...server,
    async promote() {
      await server.run('select pg_promote()')
    },
  }
}
