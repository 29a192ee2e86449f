import { afterEach, describe, expect, it } from 'vitest'
import { nodeHttp } from '../../src/node/http.ts'
import type { Http } from '../../src/ports/http.ts'
import { webHttp } from '../../src/web/http.ts'
import { asking, httpCases, strictHttpCases } from './http-cases.ts'
import { closeOpened, fault, opened, serving } from './http-servers.ts'

afterEach(closeOpened)

function undici(): Http {
  const { http, close } = nodeHttp({ proxy: false })
  opened.push(close)
  return http
}

describe.each([
  ['in Node', undici],
  ['by fetch', webHttp],
])('a request %s', (_, adapter) => {
  httpCases(adapter)
  strictHttpCases(adapter)
})

/** What fetch does not tell apart: there it may have been seen. */
describe('a request in Node', () => {
  it('to a port without a server was not sent', async () => {
    const url = await serving(() => {})
    await closeOpened()
    const error = await fault(asking(undici())(url))
    expect([error.kind, error.message]).toEqual(['unsent', expect.stringContaining('ECONNREFUSED')])
  })

  it('is answered although gateways add headers of more than 100 KB', async () => {
    const url = await serving((_request, response) => {
      response.writeHead(200, { 'set-cookie': Array.from({ length: 100 }, () => 'c'.repeat(2_000)) }).end('{}')
    })
    expect((await asking(undici())(url)).status).toBe(200)
  })

  it.each([0, 1])('is not sent after the client was closed, which had sent %s before', async (before) => {
    const seen: unknown[] = []
    const url = await serving((_request, response) => {
      seen.push(true)
      response.end('{}')
    })
    const { http, close } = nodeHttp({ proxy: false })
    for (let sent = 0; sent < before; sent += 1) await asking(http)(url)
    await close()
    expect(await fault(asking(http)(url))).toMatchObject({ kind: 'unsent', message: 'the HTTP client is closed' })
    expect(seen).toHaveLength(before)
  })

  it('to a name that does not exist was not sent', async () => {
    expect((await fault(asking(undici())('http://does-not-exist.invalid/'))).kind).toBe('unsent')
  })
})
