import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { guardedHttp, type GuardedHttpOptions, type Lookup } from '../../src/node/guarded-http.ts'
import { HttpFault } from '../../src/ports/http.ts'
import { isPublicAddress, endpointUrlFault } from '../../src/webhooks/public-address.ts'
import { urls, v4, v6 } from './targets.ts'
import { never } from './world.ts'

/** A server on this machine, on both IP families where there are both. No request may reach it. */
let ports: readonly number[] = []
let connects = 0
const closing: (() => Promise<unknown>)[] = []
const opened: (() => Promise<void>)[] = []

beforeAll(async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer((_, response) => response.end('ok'))
    server.on('connection', () => (connects += 1))
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(0, host, () => resolve(true))
    })
    if (!listens) continue
    ports = [...ports, (server.address() as AddressInfo).port]
    closing.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))))
  }
})
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})
afterAll(async () => {
  for (const close of closing) await close()
})

const client = ({ lookup, allowed }: GuardedHttpOptions = {}) => {
  const { http, close } = guardedHttp({ ...(lookup ? { lookup } : {}), ...(allowed ? { allowed } : {}) })
  opened.push(close)
  return (url: string) => http({ method: 'POST', url, headers: {}, body: '{}', secrets: [] }, never)
}

/** A resolver that gives these addresses, the next ones at every question. */
const answers = (
  ...each: readonly (readonly string[])[]
): { readonly lookup: Lookup; readonly asked: () => number } => {
  let asked = 0
  return {
    asked: () => asked,
    lookup: (_hostname, _options, callback) => {
      const addresses = each[Math.min(asked, each.length - 1)] ?? []
      asked += 1
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  }
}

const fault = async (asked: Promise<unknown>): Promise<HttpFault> => {
  const thrown: unknown = await asked.then(
    () => 'it was sent',
    (error: unknown) => error,
  )
  if (thrown instanceof HttpFault) return thrown
  throw new Error(`expected an HttpFault, got ${String(thrown)}`)
}

describe('the URL of an added endpoint', () => {
  it('is tried in more than a hundred forms', () => expect(urls.length).toBeGreaterThan(120))

  it.each(urls)('%s is refused without a connection', async (url) => {
    const before = connects
    expect(endpointUrlFault(url)).toEqual(expect.any(String))
    // Any port is allowed, so the one that listens here is tried.
    const withPort = URL.canParse(url) && !new URL(url).port ? url.replace(/^(\w+:\/\/[^/]+)/, `$1:${ports[0]}`) : url
    const { kind, message } = await fault(client()(withPort))
    expect([kind, message]).toEqual(['unsent', expect.stringMatching(/^not sent: /)])
    expect(connects).toBe(before)
  })

  it.each([
    'https://example.com/hook',
    'https://hooks.example.com:8443/a?b=c',
    'https://93.184.215.14/',
    'https://[2606:2800:21f::1]/',
  ])('%s is accepted, as far as can be seen', (url) => expect(endpointUrlFault(url)).toBeUndefined())
})

describe('a name', () => {
  it.each([...v4, ...v6])('that resolves to %s is refused without a connection', async (address) => {
    expect(isPublicAddress(address)).toBe(false)
    const before = connects
    const { message } = await fault(client(answers([address]))(`https://hooks.example.com:${ports[0]}/`))
    expect(message).toBe('not sent: the host hooks.example.com does not lead to a public address')
    expect(connects).toBe(before)
  })

  it('that resolves to a public and a private address is refused', async () => {
    const ask = client(answers(['93.184.215.14', '127.0.0.1']))
    expect((await fault(ask(`https://hooks.example.com:${ports[0]}/`))).message).toContain('not sent')
    expect(connects).toBe(0)
  })

  it('that resolves to nothing is refused', async () => {
    expect((await fault(client(answers([]))('https://hooks.example.com/'))).message).toContain('not sent')
  })

  it('that changes to a private address between check and connection is refused: what is checked is what is connected', async () => {
    // Public when it was added, private from the first connection on.
    const { lookup, asked } = answers(['127.0.0.1'])
    const ask = client({ lookup })
    expect(endpointUrlFault(`https://hooks.example.com:${ports[0]}/`)).toBeUndefined()
    for (let nth = 1; nth <= 3; nth += 1) {
      await fault(ask(`https://hooks.example.com:${ports[0]}/`))
      // One question for one connection: there is no second one to answer differently.
      expect([asked(), connects]).toEqual([nth, 0])
    }
  })
})

describe('an origin that is allowed', () => {
  it('is reached although it is on loopback; its neighbours are not', async () => {
    const own = `http://127.0.0.1:${ports[0]}`
    const ask = client({ allowed: [own] })
    expect((await ask(`${own}/hook`)).status).toBe(200)
    expect(connects).toBe(1)
    await fault(ask(`http://localhost:${ports[0]}/hook`))
    await fault(ask('http://127.0.0.1:1/hook'))
    expect(connects).toBe(1)
  })

  it('is not a way to another by a redirect', async () => {
    const server = createServer((_, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${ports[0]}/` }).end(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const before = connects
    expect((await client({ allowed: [own] })(`${own}/`)).status).toBe(307)
    expect(connects).toBe(before)
    for (const close of opened.splice(0)) await close()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('a public address', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '169.253.1.1',
  ])('is %s', (address) => expect(isPublicAddress(address)).toBe(true))
  it.each(['2606:4700:4700::1111', '2a00:1450:4001::1', '2001:4860:4860::8888'])('is %s', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  )
})
