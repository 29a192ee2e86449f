/** One PostgreSQL server for all tests of a run. Vitest calls `setup` before the run, and its result after it. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { ensureDebianBinaries, type PostgresServer, startPostgres } from './server.ts'

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- it extends an interface of Vitest
  interface ProvidedContext {
    /** Where a test file asks for the address of the shared server. The first question starts the server. */
    readonly sharedPostgres: string
  }
}

/** Tests have databases of their own. Most write without waiting for the disk. */
const SETTINGS = { fsync: 'off', max_connections: '200' }

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined
  const start = (): Promise<PostgresServer> => {
    const bin = process.env['GUESTPASS_TEST_POSTGRES_BIN'] ?? ensureDebianBinaries()
    return (starting ??= startPostgres(bin ?? '', SETTINGS))
  }
  const answer = async (response: ServerResponse): Promise<void> => {
    try {
      response.end((await start()).url())
    } catch (thrown) {
      response.writeHead(500).end(String(thrown))
    }
  }
  const broker = createServer((_request, response) => void answer(response))
  await once(broker.listen(0, '127.0.0.1'), 'listening')
  provide('sharedPostgres', `http://127.0.0.1:${(broker.address() as AddressInfo).port}`)
  return async () => {
    broker.closeAllConnections()
    broker.close()
    await (await starting?.catch(() => undefined))?.stop()
  }
}
