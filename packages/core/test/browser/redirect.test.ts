import { join } from 'node:path'
import type { BrowserContext, Frame, Page as Tab } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REMEDY } from './chromium.ts'
import { calling, path, type Stage, staged } from './harness.ts'
import type { SignInPage } from './sign-in-page.ts'

const SCOPES = ['externalusers:write', 'webmessaging:guest:create']

describe.skipIf(path === undefined)(`a sign-in by a redirect of the page, in Chromium (${REMEDY})`, () => {
  let stage: Stage
  let windows: BrowserContext
  let tab: Tab
  let before: number

  beforeAll(async () => {
    const page = join(import.meta.dirname, 'sign-in-page.ts')
    stage = await staged(page, { rateLimit: { perMinute: 60_000 } }, (url, response, { url: at, publicClientId }) => {
      const settings = JSON.stringify({ upstream: at, clientId: publicClientId, scopes: SCOPES })
      response.setHeader('content-type', 'text/html')
      if (url === '/framed') return response.end('<iframe sandbox="allow-scripts" src="/"></iframe>')
      return response.end(`<!doctype html><script>settings = ${settings}</script><script src="/page.js"></script>`)
    })
  }, 120_000)
  afterAll(() => stage?.close())
  beforeEach(async () => {
    windows = await stage.browser.newContext()
    tab = await windows.newPage()
    await tab.goto(stage.origin)
    before = stage.upstream.journal().length
  })
  afterEach(() => windows.close())

  const of = (frame: Tab | Frame) => calling<SignInPage>(() => frame)
  const asked = (operation: string): number =>
    stage.upstream
      .journal()
      .slice(before)
      .filter((entry) => entry.operation === operation).length

  /** Leaves the page, decides at the consent page, and comes back to a page that is built anew. */
  async function redirected(window: Tab, decision: 'allow' | 'deny' = 'allow'): Promise<string> {
    await window.evaluate(() => void (globalThis as unknown as { page: SignInPage }).page.begin())
    await window.click(`button[value=${decision}]`)
    await window.waitForURL(`${stage.origin}/back?**`)
    return new URL(window.url()).search
  }

  it('is completed with one exchange, makes a guest whose token is handed on, and lasts over a reload', async () => {
    await redirected(tab)
    expect(await of(tab)('complete')).toMatchObject({ generation: 1, renewable: true, missing: [] })
    expect(await of(tab)('chat', 'Ann', 'ann@example.com')).toMatchObject({ verified: true, verdict: { valid: true } })
    await tab.reload()
    expect(await of(tab)('generation')).toEqual({ generation: 1 })
    expect(asked('token')).toBe(1)
    expect(await of(tab)('renew')).toEqual({ generation: 2 })
    expect(asked('token')).toBe(2)
  })

  it('gives the callback that comes again the same outcome, and refuses another code under its state', async () => {
    const query = await redirected(tab)
    const first = await of(tab)('complete')
    await tab.reload()
    expect(await of(tab)('complete')).toEqual(first)
    const other = new URLSearchParams(query)
    other.set('code', 'another')
    expect(await of(tab)('complete', `?${other}`)).toMatchObject({ code: 'sign_in_refused', reason: 'replayed' })
    expect(asked('token')).toBe(1)
  })

  it('is refused without an exchange when the state is wrong or missing, or the user said no', async () => {
    const query = await redirected(tab)
    const wrong = query.replace(/state=[^&]+/, 'state=wrong')
    expect(await of(tab)('complete', wrong)).toMatchObject({ code: 'sign_in_refused', reason: 'state' })
    expect(await of(tab)('complete', query.replace(/state=[^&]+/, ''))).toMatchObject({ reason: 'state' })
    await tab.goto(stage.origin)
    await redirected(tab, 'deny')
    expect(await of(tab)('complete')).toMatchObject({ code: 'sign_in_denied' })
    expect(asked('token')).toBe(0)
  })

  it('is refused without an exchange in a window that did not begin it, and goes on in the one that did', async () => {
    const query = await redirected(tab)
    const stranger = await windows.newPage()
    await stranger.goto(`${stage.origin}/back${query}`)
    expect(await of(stranger)('complete')).toMatchObject({ code: 'sign_in_refused', reason: 'state' })
    expect(asked('token')).toBe(0)
    expect(await of(tab)('complete')).toMatchObject({ generation: 1 })
  })

  it('of two windows at once belongs to each of them alone', async () => {
    const second = await windows.newPage()
    await second.goto(stage.origin)
    await redirected(tab)
    await redirected(second)
    expect(await of(second)('complete')).toMatchObject({ generation: 1 })
    expect(await of(tab)('complete')).toMatchObject({ generation: 1 })
    expect(await of(second)('renew')).toEqual({ generation: 2 })
    expect(await of(tab)('renew')).toEqual({ generation: 2 })
    expect(asked('token')).toBe(4)
  })

  it('is not there in a window that was opened with a copy of it, also when the first window is gone', async () => {
    await redirected(tab)
    await of(tab)('complete')
    const [copy] = await Promise.all([windows.waitForEvent('page'), tab.evaluate(() => void open('/', '_blank'))])
    await copy.waitForLoadState()
    expect(await of(copy)('isSignedIn')).toBe(false)
    expect(await of(tab)('renew')).toEqual({ generation: 2 })
    await tab.close()
    await copy.reload()
    expect(await of(copy)('isSignedIn')).toBe(false)
    await redirected(copy)
    expect(await of(copy)('complete')).toMatchObject({ generation: 1 })
    expect(asked('token')).toBe(3)
  })

  it('is not touched by a second frame of the window, which has the same storage', async () => {
    await redirected(tab)
    await of(tab)('complete')
    await tab.evaluate(() => {
      const frame = document.createElement('iframe')
      frame.src = '/'
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
      document.body.append(frame)
      return loaded
    })
    const [, frame] = tab.frames()
    expect(await of(frame as Frame)('generation')).toMatchObject({ code: 'store_busy' })
    expect(await of(tab)('renew')).toEqual({ generation: 2 })
    await tab.reload()
    expect(await of(tab)('generation')).toEqual({ generation: 2 })
  })

  it('is not kept in the storage that all windows share', async () => {
    expect(await of(tab)('shared')).toMatchObject({ code: 'config_invalid' })
  })

  it('begins with a clear error where the storage of the page is full', async () => {
    await tab.evaluate(() => {
      for (let size = 2 ** 22; size >= 1; size /= 2)
        for (let at = 0; at < 3; at += 1)
          try {
            sessionStorage.setItem(`${size} ${at}`, 'x'.repeat(size))
          } catch {
            break
          }
    })
    expect(await of(tab)('begin')).toMatchObject({ code: 'store_unavailable', reason: 'disk_full' })
  })

  it('begins with a clear error where the storage of the page is blocked', async () => {
    await tab.goto(`${stage.origin}/framed`)
    const [, frame] = tab.frames()
    const answer = await of(frame as Frame)('begin')
    expect(answer).toMatchObject({ code: 'store_unavailable' })
    expect(answer?.message).toContain('SecurityError')
  })
})
