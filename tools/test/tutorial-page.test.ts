import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import type { Browser, Page as Tab } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AUTHORIZE,
  type TutorialUpstream,
  tutorialUpstream,
  USER_TOKEN,
  USERS,
} from '../../packages/cli/test/upstream/tutorial-upstream.ts'
import { REMEDY } from '../../packages/core/test/browser/chromium.ts'
import { launched, listening, path } from '../../packages/core/test/browser/harness.ts'
import { pageOf } from './page.ts'
import { type ProgramFolder, programFolder, programsOf } from './page-program.ts'

const HTML = `<!doctype html>
<form><input name=email><input name=name><button>go</button></form><output></output>
<script>addEventListener('guest-token', ({ detail }) => { document.querySelector('output').value = detail })</script>
<script type=module src=/page.js></script>`

/** The whole page as one module, with nothing of Node and no package but the library's own. */
async function bundled(folder: ProgramFolder): Promise<string> {
  const built = await rolldown({ input: join(folder.cwd, 'page.ts'), cwd: folder.cwd, platform: 'browser' })
  const { output } = await built.generate({ format: 'esm', codeSplitting: false })
  await built.close()
  return output[0].code
}

const page = pageOf('docs/from-the-tutorials.md')

it('the page has a program for each tutorial, as long as it says, of at most 40 lines', () => {
  const said = [...page.matchAll(/^\| \[.*\| about (\d+) \| (\d+)(?:; in a page (\d+))? \|$/gm)]
  const longest = said.flatMap(([, , ...lines]) => lines.flatMap((text) => (text ? [Number(text)] : [])))
  expect([...programsOf(page).values()].map(({ lines }) => lines)).toEqual(longest)
  expect(said.length).toBe(5)
  expect(Math.max(...longest)).toBeLessThanOrEqual(40)
})

describe.skipIf(path === undefined)(`page.ts in Chromium (${REMEDY})`, () => {
  let upstream: TutorialUpstream
  let folder: ProgramFolder
  let site: Server
  let browser: Browser
  let tab: Tab
  let origin: string

  beforeAll(async () => {
    upstream = await tutorialUpstream()
    upstream.client.userScopes = ['webmessaging:guest:create', 'externalusers:write']
    const program = programsOf(page).get('page.ts')
    if (!program) throw new Error('the page has no page.ts')
    expect(program.code).toMatch(/'https:\/\/gateway\.example\.com'[\s\S]*'public-client'/)
    const code = program.code
      .replace('https://gateway.example.com', upstream.url)
      .replace('public-client', upstream.client.id)
    folder = programFolder({ ...program, code }, ['@guestpass/core'])
    const script = await bundled(folder)
    site = createServer(({ url }, response) => {
      const type = url === '/page.js' ? 'text/javascript' : 'text/html'
      response.setHeader('content-type', type).end(url === '/page.js' ? script : HTML)
    })
    origin = await listening(site)
    browser = await launched()
    tab = await browser.newPage()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    site?.close()
    folder?.remove()
    await upstream?.close()
  })

  async function guestFor(email: string): Promise<string> {
    await tab.fill('[name=email]', email)
    await tab.fill('[name=name]', 'Ann')
    await tab.click('button')
    await tab.waitForFunction("document.querySelector('output').value !== ''")
    return tab.evaluate("document.querySelector('output').value")
  }

  it('signs the user in over the redirect, makes a guest, and is signed in after a reload', async () => {
    await tab.goto(origin)
    await tab.waitForURL(`${origin}/?**`)
    await tab.waitForURL(`${origin}/`)
    expect(upstream.given).toContain(await guestFor('ann@mail.example'))
    await tab.reload()
    expect(upstream.given).toContain(await guestFor('bo@mail.example'))
    expect([AUTHORIZE, USER_TOKEN, USERS].map((key) => upstream.of(key).length)).toEqual([1, 1, 2])
    const [form] = upstream.of(USER_TOKEN).map(({ body }) => new URLSearchParams(body))
    expect([form?.get('client_secret'), form?.get('redirect_uri')]).toEqual([null, `${origin}/`])
  })
})
