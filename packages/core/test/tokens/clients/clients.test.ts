import { Readable } from 'node:stream'
import axios, { type AxiosInstance } from 'axios'
import got from 'got'
import ky from 'ky'
import * as undici from 'undici'
import * as undici7 from 'undici7'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizedAxios } from '../../../src/tokens/clients/authorized-axios.ts'
import { authorizedFetch } from '../../../src/tokens/clients/authorized-fetch.ts'
import { authorizedGot } from '../../../src/tokens/clients/authorized-got.ts'
import { authorizedUndici } from '../../../src/tokens/clients/authorized-undici.ts'
import { listening, refusals, type Resource, resource } from './resource.ts'

let here: Resource
beforeEach(async () => {
  here = await resource()
})
afterEach(() => here.close())

interface Sent {
  readonly method?: 'GET' | 'POST'
  readonly json?: unknown
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}
interface Answer {
  readonly status: number
  readonly body: unknown
}
/** Sends a request by one client, whatever the status of the answer. */
type Send = (url: string, sent?: Sent) => Promise<Answer>

const at = () => ({ origins: [here.url] })

const throughAxios = (adapter: 'http' | 'fetch') => (): Send => {
  const instance = axios.create({ validateStatus: () => true, adapter })
  authorizedAxios(instance, here.source, at())
  return async (url, { json, ...more } = {}) => {
    const { status, data } = await instance.request({ url, data: json, ...more })
    return { status, body: data }
  }
}

function throughGot(): Send {
  const mine = got.extend({ hooks: authorizedGot(here.source, at()), throwHttpErrors: false, retry: { limit: 0 } })
  return async (url, { json, ...more } = {}) => {
    const { statusCode, body } = await mine(url, { ...more, ...(json === undefined ? {} : { json }) })
    return { status: statusCode, body: parsed(body) }
  }
}

function throughKy(): Send {
  const mine = ky.create({ fetch: authorizedFetch(here.source, at()), throwHttpErrors: false, retry: 0 })
  return async (url, sent) => {
    const answer = await mine(url, sent)
    return { status: answer.status, body: parsed(await answer.text()) }
  }
}

const throughUndici = (library: typeof undici) => (): Send => {
  const dispatcher = new library.Agent().compose(authorizedUndici(here.source, at()))
  return async (url, { json, headers = {}, ...more } = {}) => {
    const sent = json === undefined ? {} : { body: JSON.stringify(json) }
    const { statusCode, body } = await library.request(url, { dispatcher, headers, ...more, ...sent })
    return { status: statusCode, body: parsed(await body.text()) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** The third: tokens after a redirect to a stranger that answers 401. axios over fetch does not say where a redirect led. */
describe.each([
  ['axios', throughAxios('http'), 1],
  ['axios over fetch', throughAxios('fetch'), 2],
  ['got', throughGot, 1],
  ['ky', throughKy, 1],
  ['a dispatcher of undici 8', throughUndici(undici), 1],
  ['a dispatcher of undici 7', throughUndici(undici7 as unknown as typeof undici), 1],
] as const)('%s with a token source', (_name, through, tokens) => {
  it('carries the token, and sends a request again, body and headers too, when it is refused', async () => {
    const send = through()
    expect(await send(`${here.url}/things?page=2`)).toEqual({ status: 200, body: 'hello' })
    here.revoke()
    const json = { name: 'Ann' }
    const sent = { method: 'POST', json, headers: { 'x-kind': 'one', authorization: 'Bearer another' } } as const
    expect(await send(`${here.url}/things`, sent)).toEqual({ status: 200, body: 'hello' })
    expect(here.seen.map(({ method, path, bearer }) => `${method} ${path} ${bearer}`)).toEqual([
      'GET /things?page=2 token-1',
      'POST /things token-1',
      'POST /things token-2',
    ])
    expect(here.seen.slice(1).map(({ body }) => JSON.parse(body))).toEqual([json, json])
  })

  it.each(refusals)('sees a refusal by %s', async (_kind, refusal) => {
    here.refusal = refusal
    const send = through()
    await send(here.url)
    here.revoke()
    expect((await send(here.url)).status).toBe(200)
  })

  it('spends few renewals on a resource that refuses every token, and gives its answer', async () => {
    const send = through()
    here.refusing.add('/refused')
    for (let call = 0; call < 20; call += 1)
      expect(await send(`${here.url}/refused`)).toMatchObject({ status: 401, body: { code: 'bad.credentials' } })
    expect(here.granted()).toBeLessThanOrEqual(3)
    expect(here.seen.length).toBeLessThanOrEqual(23)
  })

  it('renews again where the new token was taken', async () => {
    const send = through()
    for (let round = 1; round <= 5; round += 1) {
      expect([(await send(here.url)).status, here.granted()]).toEqual([200, round])
      here.revoke()
    }
  })

  it('shares one renewal among calls at the same time', async () => {
    const send = through()
    await send(here.url)
    here.revoke()
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(here.url)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(here.granted()).toBe(2)
  })

  it('shows the token to no other origin, be it asked for or redirected to', async () => {
    const met: (string | undefined)[] = []
    const stranger = await listening((request, response) => {
      met.push(request.headers.authorization)
      response.writeHead(401).end()
    })
    const send = through()
    await send(stranger.url).catch(() => {})
    here.answer = (_request, response) => void response.writeHead(302, { location: stranger.url }).end()
    await send(here.url)
    await stranger.close()
    expect([new Set(met).size <= 1, met[0], here.granted()]).toEqual([true, undefined, tokens])
  })

  it('ends with the signal of its caller, and with the error of the source', async () => {
    const send = through()
    await send(here.url)
    const ending = new AbortController()
    here.answer = () => ending.abort()
    await expect(send(here.url, { signal: ending.signal })).rejects.toThrow(/abort|cancel/i)
  })
})

const failing = {
  token: () => Promise.reject(new Error('no token')),
  reportRejected: () => false,
}

describe('errors of the source', () => {
  it.each([
    ['axios', () => instanceOf(axios.create()).get(here.url)],
    ['got', () => got(here.url, { hooks: authorizedGot(failing, at()), retry: { limit: 0 } })],
    ['ky', () => ky(here.url, { fetch: authorizedFetch(failing, at()), retry: 0 })],
    [
      'undici',
      () => undici.request(here.url, { dispatcher: new undici.Agent().compose(authorizedUndici(failing, at())) }),
    ],
  ])('reject the requests of %s, and nothing is sent', async (_name, asked) => {
    await expect(asked()).rejects.toThrow('no token')
    expect(here.seen).toEqual([])
  })

  const instanceOf = (instance: AxiosInstance): AxiosInstance => {
    authorizedAxios(instance, failing, at())
    return instance
  }
})

describe('an instance of axios', () => {
  it('keeps its transformers, interceptors and relative addresses; a body is transformed once', async () => {
    const instance = axios.create({
      baseURL: `${here.url}/api`,
      transformRequest: [(data: string) => `<${data}>`],
      transformResponse: [(text: string) => `(${text})`],
    })
    const off = authorizedAxios(instance, here.source, at())
    const heard: number[] = []
    instance.interceptors.response.use((answer) => {
      heard.push(answer.status)
      return answer
    })
    await instance.post('/things', 'one')
    here.revoke()
    expect((await instance.post('/things', 'two')).data).toBe('("hello")')
    expect(here.seen.map(({ path, body }) => `${path} ${body}`)).toEqual([
      '/api/things <one>',
      '/api/things <two>',
      '/api/things <two>',
    ])
    expect(heard.every((status) => status === 200)).toBe(true)
    off()
    await expect(instance.post('/things', 'three')).rejects.toMatchObject({ response: { status: 401 } })
    expect([here.seen.at(-1)?.bearer, here.granted()]).toEqual([undefined, 2])
  })

  it('does not send a stream again, and has a new token for the next request', async () => {
    const instance = axios.create()
    authorizedAxios(instance, here.source, at())
    await instance.get(here.url)
    here.revoke()
    const sent = instance.post(here.url, Readable.from(['a ', 'stream']), { maxRedirects: 0 })
    await expect(sent).rejects.toMatchObject({ response: { status: 401 } })
    expect(here.seen.at(-1)?.body).toBe('a stream')
    expect((await instance.get(here.url)).status).toBe(200)
  })
})

describe('got', () => {
  it('runs the hooks of the caller for the answer to the second send, and its own retries', async () => {
    const heard: number[] = []
    const mine = got.extend({ hooks: authorizedGot(here.source, at()), retry: { limit: 2, backoffLimit: 1 } }).extend({
      hooks: {
        afterResponse: [
          (response) => {
            heard.push(response.statusCode)
            return response
          },
        ],
      },
    })
    await mine(here.url)
    here.revoke()
    let busy = 1
    here.answer = (_request, response) =>
      void response.writeHead((busy -= 1) >= 0 ? 503 : 200, { 'retry-after': '0' }).end('"hello"')
    expect(await mine(here.url).json()).toBe('hello')
    expect(here.seen.map(({ bearer }) => bearer)).toEqual(['token-1', 'token-1', 'token-2', 'token-2'])
    expect(heard).toEqual([200, 503, 200])
  })

  it.each([
    ['a stream', () => Readable.from(['a ', 'stream'])],
    [
      'chunks that come one by one',
      async function* () {
        yield 'a '
        yield 'stream'
      },
    ],
  ])('sends %s once, and gives the refusal', async (_kind, body) => {
    const mine = got.extend({ hooks: authorizedGot(here.source, at()), throwHttpErrors: false })
    await mine(here.url)
    here.revoke()
    expect((await mine.post(here.url, { body: body() })).statusCode).toBe(401)
    expect(here.seen.at(-1)?.body).toBe('a stream')
    expect((await mine(here.url)).statusCode).toBe(200)
  })

  it('sends a form again, which it writes anew', async () => {
    const mine = got.extend({ hooks: authorizedGot(here.source, at()), throwHttpErrors: false })
    await mine(here.url)
    here.revoke()
    const body = new FormData()
    body.set('name', 'in a form')
    expect((await mine.post(here.url, { body })).statusCode).toBe(200)
    expect(here.seen.at(-1)?.body).toContain('in a form')
  })

  it('streams with the token', async () => {
    const mine = got.extend({ hooks: authorizedGot(here.source, at()) })
    let text = ''
    for await (const part of mine.stream(here.url)) text += String(part)
    expect([text, here.seen[0]?.bearer]).toEqual(['"hello"', 'token-1'])
  })
})

describe('ky', () => {
  it('follows a redirect that keeps method and body, also after a refusal', async () => {
    const send = throughKy()
    here.answer = ({ path, body }, response) =>
      void response.writeHead(path === '/' ? 307 : 200, { location: '/there' }).end(JSON.stringify(body))
    const sent = { method: 'POST', json: 'one' } as const
    expect(await send(here.url, sent)).toEqual({ status: 200, body: '"one"' })
    here.revoke()
    expect(await send(here.url, sent)).toEqual({ status: 200, body: '"one"' })
  })

  it('retries by itself, each time with a token', async () => {
    const mine = ky.create({ fetch: authorizedFetch(here.source, at()), retry: { limit: 1, delay: () => 1 } })
    let busy = 1
    here.answer = (_request, response) => void response.writeHead((busy -= 1) >= 0 ? 503 : 200).end('"hello"')
    expect(await mine(here.url).json()).toBe('hello')
    expect(here.seen.map(({ bearer }) => bearer)).toEqual(['token-1', 'token-1'])
  })
})

describe.each([
  ['undici 8', undici],
  ['undici 7', undici7 as unknown as typeof undici],
] as const)('a dispatcher of %s', (_name, library) => {
  it('takes headers in every form, and sends a stream once', async () => {
    const dispatcher = new library.Agent().compose(authorizedUndici(here.source, at()))
    const own = [
      { 'X-Kind': 'one', Authorization: 'old' },
      ['x-kind', 'one', 'Authorization', 'old'],
      new Map([['x-kind', 'one']]),
    ]
    for (const headers of own) {
      const { statusCode, body } = await library.request(here.url, { dispatcher, headers: headers as never })
      await body.dump()
      expect(statusCode).toBe(200)
    }
    here.revoke()
    const { statusCode, body } = await library.request(here.url, {
      dispatcher,
      method: 'POST',
      body: Readable.from(['a']),
    })
    await body.dump()
    expect([statusCode, here.seen.at(-1)?.body]).toEqual([401, 'a'])
    expect((await library.request(here.url, { dispatcher })).statusCode).toBe(200)
    expect(here.seen.map(({ bearer }) => bearer)).toEqual(['token-1', 'token-1', 'token-1', 'token-1', 'token-2'])
    await dispatcher.close()
  })

  it('works with interceptors that retry and redirect', async () => {
    const dispatcher = new library.Agent().compose(
      authorizedUndici(here.source, at()),
      library.interceptors.retry({ maxRetries: 1, minTimeout: 1 }),
      library.interceptors.redirect({ maxRedirections: 1 }),
    )
    let nth = 0
    here.answer = ({ path }, response) => {
      nth += 1
      const status = nth === 1 ? 503 : path === '/' ? 302 : 200
      response.writeHead(status, status === 302 ? { location: '/there' } : {}).end(path)
    }
    await (await library.request(here.url, { dispatcher })).body.dump()
    here.revoke()
    const { body } = await library.request(here.url, { dispatcher })
    expect(await body.text()).toBe('/there')
    expect(here.granted()).toBe(2)
    await dispatcher.close()
  })
})
