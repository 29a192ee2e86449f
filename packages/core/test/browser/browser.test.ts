import { join } from 'node:path'
import type { Browser, Page as Tab } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/verify/verdict.ts'
import { HttpFault } from '../../src/ports/http.ts'
import { httpCases } from '../node/http-cases.ts'
import { closeOpened } from '../node/http-servers.ts'
import { attacks } from '../verify/attacks.ts'
import { REMEDY } from './chromium.ts'
import { calling, launched, path, type Stage, staged } from './harness.ts'
import type { Doubt, Page } from './page.ts'

const SCOPES = ['webmessaging:guest:create', 'webmessaging:guesttoken:write']

describe.skipIf(path === undefined)(`the library in Chromium (${REMEDY})`, () => {
  let stage: Stage
  let tab: Tab
  let guestId: string

  beforeAll(async () => {
    const options = { autoConsent: true, rateLimit: { perMinute: 60_000 } }
    stage = await staged(join(import.meta.dirname, 'page.ts'), options, (url, response) => {
      if (url === '/large') return response.end('x'.repeat(1_048_577))
      if (url === '/small') return response.setHeader('content-type', 'application/json').end('{}')
      if (url === '/redirect') return response.writeHead(302, { location: '/small' }).end()
      if (url === '/reset') return response.destroy()
      return response.setHeader('content-type', 'text/html').end('<!doctype html><script src="/page.js"></script>')
    })
    tab = await stage.browser.newPage()
    await tab.goto(stage.origin)
  }, 120_000)
  afterAll(() => stage?.close())

  const call = calling<Page>(() => tab)

  /** What the browser brings back from a sign-in: a window of its own that upstream sends on. */
  async function consented(): Promise<string> {
    const url = await call('begin', `${stage.origin}/callback`)
    const window = await stage.browser.newPage()
    await window.goto(url)
    const { search } = new URL(window.url())
    await window.close()
    return search
  }

  describe('verifies as in Node:', () => {
    attacks({
      verifying: (keys) => async (token, expectations) => {
        const doubt: Doubt = { keys, token, expectations }
        return JSON.parse(await call('verdict', JSON.stringify(doubt))) as Verdict
      },
      usable: (jwk) => call('usable', JSON.stringify(jwk)),
    })
  })

  describe('a request of a page that may ask every server', () => {
    let open: Browser
    let page: Tab
    beforeAll(async () => {
      open = await launched('--disable-web-security')
      page = await open.newPage()
      await page.goto(stage.origin)
    })
    afterAll(() => open?.close())
    afterEach(closeOpened)

    const asked = calling<Page>(() => page)
    httpCases(() => async ({ method, url, headers, body }, signal) => {
      const id = crypto.randomUUID()
      signal.addEventListener('abort', () => void asked('leave', id))
      const sent = { method, url, headers, ...(body === undefined ? {} : { body }) }
      const outcome = await asked('send', id, sent, signal.aborted)
      if (outcome.is === 'fault') throw new HttpFault(outcome.kind, outcome.message)
      if (outcome.is === 'aborted') throw signal.reason
      return { status: outcome.status, headers: outcome.headers, bytes: Buffer.from(outcome.text, 'latin1') }
    })
  })

  it('keeps every promise of a store in memory', async () => {
    const results = await call('contract')
    expect(results.length).toBeGreaterThan(80)
    expect(results.filter(([, fault]) => fault !== '')).toEqual([])
  })

  it('sends requests and bounds answers as in Node', async () => {
    expect(await call('http', stage.origin)).toEqual([
      { status: 200, type: 'application/json', size: 2 },
      'oversized',
      'lost',
      'lost',
      'the caller left',
    ])
  })

  it('signs a user in with PKCE, and refuses the callback that comes again', async () => {
    await call('open', stage.upstream.url, stage.upstream.publicClientId, SCOPES)
    const query = await consented()
    expect(await call('complete', query)).toMatchObject({ generation: 1, renewable: true, missing: [] })
    expect(await call('complete', query)).toMatchObject({ generation: 1 })
  })

  it('mints a guest token and verifies it with Web Crypto; what was bent does not verify', async () => {
    const issued = await call('issue')
    guestId = issued.guestId
    expect(issued).toMatchObject({ verified: true, verdict: { valid: true } })
    expect(issued.others).toMatchObject([
      { valid: false, reason: 'signature' },
      { valid: false, reason: 'algorithm' },
      { valid: false, reason: 'malformed' },
    ])
    expect(issued.printed).not.toContain('eyJ')
  })

  it('refreshes once though answers are lost and upstream fails: every try has the same Idempotency-Key', async () => {
    stage.upstream.script([
      { on: 'refresh', do: { drop: 'after' } },
      { on: 'refresh', do: { status: 503 } },
    ])
    expect(await call('refresh', guestId)).toEqual([2, 2])
    const tries = stage.upstream.journal().filter(({ operation }) => operation === 'refresh')
    expect(tries.length).toBeGreaterThanOrEqual(3)
    expect(new Set(tries.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(Math.max(...tries.map(({ refreshes = 0 }) => refreshes))).toBe(1)
  })

  it('renews its own access token by the rotating refresh token, once for all who ask', async () => {
    expect(new Set(await call('renewed'))).toEqual(new Set([2]))
    const { types, links } = await call('events')
    expect(types).toContain('ACCESS_TOKEN_RENEWED')
    expect(links).toBe(types.length)
  })
})
