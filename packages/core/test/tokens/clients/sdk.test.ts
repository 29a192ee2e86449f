import sdk from 'purecloud-platform-client-v2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizedSdk, type SdkClient } from '../../../src/tokens/clients/authorized-sdk.ts'
import { refusals, type Resource, resource } from './resource.ts'

const client = sdk.ApiClient.instance
const ME = '/api/v2/tokens/me'

let here: Resource
let offs: (() => void)[] = []
beforeEach(async () => {
  here = await resource()
  client.setGateway({ host: '127.0.0.1', port: Number(new URL(here.url).port), protocol: 'http' })
})
afterEach(async () => {
  for (const off of offs.splice(0)) off()
  await here.close()
})

const on = (source = here.source): (() => void) => {
  const off = authorizedSdk(client, source)
  offs.push(off)
  return off
}
const me = (): Promise<unknown> => new sdk.TokensApi().getTokensMe()
const bearers = (): readonly (string | undefined)[] => here.seen.map(({ bearer }) => bearer)

describe('the official SDK with a token source', () => {
  it.each(refusals)('shows its callers no refusal by %s', async (_kind, refusal) => {
    on()
    here.refusal = refusal
    await me()
    here.revoke()
    expect([await me(), await me()]).toEqual(['hello', 'hello'])
    expect(here.granted()).toBe(2)
  })

  it('sends a HEAD, and a body, again when the token is refused', async () => {
    on()
    await me()
    here.revoke()
    await new sdk.TokensApi().headTokensMe()
    here.revoke()
    await new sdk.UsersApi().postUsers({ name: 'Ann', email: 'ann@example.com' } as never)
    expect(here.seen.slice(1).map(({ method, bearer }) => `${method} ${bearer}`)).toEqual([
      'HEAD token-1',
      'HEAD token-2',
      'POST token-2',
      'POST token-3',
    ])
    expect(JSON.parse(here.seen.at(-1)?.body ?? '')).toEqual({ name: 'Ann', email: 'ann@example.com' })
  })

  it('shares one renewal among calls at the same time', async () => {
    on()
    await me()
    here.revoke()
    expect(new Set(await Promise.all(Array.from({ length: 20 }, me)))).toEqual(new Set(['hello']))
    expect(here.granted()).toBe(2)
  })

  it('spends few renewals on a resource that refuses every token, and gives its answer', async () => {
    on()
    here.refusing.add(ME)
    for (let call = 0; call < 20; call += 1) await expect(me()).rejects.toMatchObject({ code: 'bad.credentials' })
    expect(here.granted()).toBeLessThanOrEqual(3)
  })

  it('leaves answers and errors as the SDK has them, extended or not', async () => {
    on()
    here.answer = (_request, response) => void response.writeHead(429, { 'content-type': 'text/plain' }).end('later')
    await expect(me()).rejects.toBe('later')
    client.setReturnExtendedResponses(true)
    await expect(me()).rejects.toMatchObject({ status: 429, body: 'later' })
    here.answer = undefined
    here.revoke()
    expect(await me()).toMatchObject({ status: 200, body: 'hello' })
    client.setReturnExtendedResponses(false)
  })

  it('runs the hooks of the caller on both sends', async () => {
    on()
    const sent: unknown[] = []
    client.getHttpClient().setPreHook(async (config: { headers: Record<string, string> }) => {
      sent.push(config.headers['Authorization'])
      return config
    })
    await me()
    here.revoke()
    await me()
    expect(sent).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
    client.setHttpClient(new sdk.DefaultHttpClient())
  })

  it('works through an HTTP client of the caller, also one that answers 401 and does not throw', async () => {
    on()
    class Own extends sdk.AbstractHttpClient {
      override async request({ url, method, headers = {} }: { url: string; method: string; headers?: object }) {
        const answer = await fetch(url, { method, headers: { ...headers } })
        return { status: answer.status, data: await answer.json() }
      }
      override enableHooks(): void {}
    }
    client.setHttpClient(new Own())
    await me()
    here.revoke()
    expect(await me()).toBe('hello')
    client.setHttpClient(new sdk.DefaultHttpClient())
  })
})

describe('adapters on one client', () => {
  it('act for the source that was put on last, and each takes off only itself, in any order', async () => {
    const other = await resource()
    const first = on()
    const second = on(other.source)
    await expect(me()).rejects.toMatchObject({ code: 'bad.credentials' })
    expect([here.granted(), other.granted()]).toEqual([0, 2])
    first()
    first()
    await expect(me()).rejects.toMatchObject({ code: 'bad.credentials' })
    const third = on()
    expect(await me()).toBe('hello')
    third()
    await expect(me()).rejects.toMatchObject({ code: 'bad.credentials' })
    second()
    expect([here.granted(), Object.hasOwn(client, 'callApi')]).toEqual([1, false])
    await other.close()
  })

  it('leave what the caller put on the client afterwards', async () => {
    const off = on()
    const adapted = client.callApi
    let calls = 0
    client.callApi = (...args) => {
      calls += 1
      return adapted.apply(client, args)
    }
    off()
    client.setAccessToken('another')
    await expect(me()).rejects.toMatchObject({ code: 'bad.credentials' })
    expect([calls, bearers()]).toEqual([1, ['another']])
    on()
    expect([await me(), calls]).toEqual(['hello', 2])
    delete (client as Partial<typeof client>).callApi
  })
})

it('an older client, which has no HTTP client of its own, is driven by what it throws', async () => {
  let token = ''
  const old: SdkClient = {
    setAccessToken: (next) => void (token = next),
    async callApi() {
      const answer = await fetch(here.url, { headers: { authorization: `Bearer ${token}` } })
      if (answer.status === 401) throw Object.assign(new Error('no'), { response: { status: 401 } })
      return answer.json()
    },
  }
  const off = authorizedSdk(old, here.source)
  await old.callApi()
  here.revoke()
  expect(await old.callApi()).toBe('hello')
  off()
  expect(here.granted()).toBe(2)
})
