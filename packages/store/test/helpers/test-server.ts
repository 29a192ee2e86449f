import { ensureDebianBinaries, type PostgresServer, startPostgres, titleOf } from '../../../../tools/postgres/server.ts'
import { testDatabase } from '../../../../tools/postgres/test-database.ts'

/** A database that `npm run postgres` has prepared: another version, isolation level, or a pooler before it. */
const prepared = process.env['GUESTPASS_TEST_POSTGRES']
/** Its binaries, if a test starts a server of another version. */
const chosen = process.env['GUESTPASS_TEST_POSTGRES_BIN']
const bin = prepared === undefined ? (chosen ?? ensureDebianBinaries()) : undefined

/** Whether `npm run postgres` runs the tests, which then run in full. */
export const isPrepared = prepared !== undefined

/** How often a test of outages stops its server in each way. */
export const outageRounds = Number(process.env['GUESTPASS_TEST_OUTAGES'] ?? 1)

/** Whether tests of PostgreSQL cannot run here. */
export const isWithoutPostgres = prepared === undefined && bin === undefined

/** The title of a suite that may be skipped. */
export const suiteTitle = (title: string): string => titleOf(title, isWithoutPostgres)

/** The database of a test file. */
export interface TestServer {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Gives an empty database on the server that all tests share, or the prepared database. */
export async function testServer(): Promise<TestServer> {
  if (prepared !== undefined) return { url: prepared, stop: async () => {} }
  const { url, drop } = await testDatabase()
  return { url, stop: drop }
}

/** Starts a server that the test may stop. */
export const ownServer = (settings: Readonly<Record<string, string>> = { fsync: 'on' }): Promise<PostgresServer> =>
  startPostgres(bin ?? '', settings)
