import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { type Relay, startRelay } from '../postgres/relay.ts'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { type Standby, startStandby } from '../postgres/standby.ts'

/** PostgreSQL behind one address, which follows the server that takes writes. */
export interface FollowedDatabase {
  readonly bin: string
  readonly relay: Relay
  /** The address of programs, of a user without privileges. */
  readonly url: string
  primary: PostgresServer
  /** The standby, if there is one, and the connection by which it repeats the primary. */
  standby?: { readonly server: Standby; readonly replication: Relay } | undefined
  close(): Promise<void>
}

/** Few, so that other programs can take them all. */
const CONNECTIONS = 40
/** Those that the server keeps for its administrators, by default. */
const RESERVED = 3
const USER = 'guestpass'

/** Starts a server with a database of its own. */
export async function startDatabase(bin: string): Promise<FollowedDatabase> {
  const primary = await startPostgres(bin, { max_connections: String(CONNECTIONS) })
  const relay = await startRelay(primary.port)
  await primary.run(`create role ${USER} login`)
  await primary.run(`create database ${USER} owner ${USER}`)
  const database: FollowedDatabase = {
    bin,
    relay,
    url: `postgres://${USER}@127.0.0.1:${relay.port}/${USER}`,
    primary,
    async close() {
      await database.primary.stop()
      await removeStandby(database)
      await relay.close()
    },
  }
  return database
}

async function removeStandby(database: FollowedDatabase): Promise<void> {
  await database.standby?.server.stop()
  await database.standby?.replication.close()
  database.standby = undefined
}

/** Starts a standby of the present primary. */
export async function addStandby(database: FollowedDatabase, isSynchronous: boolean): Promise<void> {
  const { bin, primary } = database
  const replication = await startRelay(primary.port)
  const settings = { max_connections: String(CONNECTIONS) }
  const server = await startStandby({ bin, primary, port: replication.port, isSynchronous, settings })
  database.standby = { server, replication }
}

/** Kills the primary. Its address leads to the standby, which takes no writes yet. Returns the promotion. */
export async function killPrimary(database: FollowedDatabase): Promise<() => Promise<void>> {
  const { primary, standby, relay } = database
  if (!standby) throw new Error('There is no standby.')
  await primary.kill()
  relay.pointTo(standby.server.port)
  return async () => {
    await standby.replication.close()
    await standby.server.promote()
    database.primary = standby.server
    database.standby = undefined
    await primary.stop()
  }
}

/** Takes all connections that users may have, and ends those of the service. Returns what gives them back. */
export async function takeAllConnections({ primary }: FollowedDatabase): Promise<() => Promise<void>> {
  const taken: Client[] = []
  const url = primary.url(USER).replace('postgres@', `${USER}@`)
  const end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'guestpass'"
  // A connection that begins is not in the list yet: only their number says that all are taken.
  while (taken.length < CONNECTIONS - RESERVED) {
    await primary.run(end)
    while (await takeOne(taken, url));
  }
  return async () => void (await Promise.all(taken.map((client) => client.end())))
}

/** False if the server has no connection left. */
async function takeOne(taken: Client[], connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
    taken.push(client)
    return true
  } catch {
    await sleep(10)
    return false
  }
}
