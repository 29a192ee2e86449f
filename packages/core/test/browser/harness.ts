import { createServer, type Server, type ServerResponse } from 'node:http'
import { type Sandbox, sandbox, type SandboxOptions } from '@guestpass/sandbox'
import { type Browser, chromium as driver, type Page as Tab } from 'playwright-core'
import { rolldown } from 'rolldown'
import { expect } from 'vitest'
import { chromium, FLAGS } from './chromium.ts'

/** The path of a Chromium; undefined where there is none. */
export const path = chromium()

/** One file for a browser; anything of Node in it is an error. */
export async function bundled(input: string, minify = false): Promise<string> {
  const built = await rolldown({
    input,
    platform: 'browser',
    onLog: (_level, log) => expect(log.message).not.toMatch(/node:/),
  })
  const { output } = await built.generate({ format: 'iife', name: 'bundle', minify, codeSplitting: false })
  await built.close()
  return output[0].code
}

export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://localhost:${(server.address() as { port: number }).port}`
}

export const launched = (...flags: readonly string[]): Promise<Browser> =>
  driver.launch({ executablePath: path ?? '', args: [...FLAGS, ...flags], chromiumSandbox: false })

export interface Stage {
  readonly upstream: Sandbox
  readonly browser: Browser
  /** The origin of a site, whose `/page.js` is the bundled page. */
  readonly origin: string
  close(): Promise<void>
}

/** An upstream, a browser, and a site with the page of a file; `answer` answers all its other requests. */
export async function staged(
  page: string,
  options: SandboxOptions,
  answer: (url: string | undefined, response: ServerResponse, upstream: Sandbox) => void,
): Promise<Stage> {
  const upstream = await sandbox(options)
  const script = await bundled(page)
  const site = createServer(({ url }, response) => {
    if (url === '/page.js') return response.setHeader('content-type', 'text/javascript').end(script)
    return answer(url, response, upstream)
  })
  const origin = await listening(site)
  const browser = await launched()
  return {
    upstream,
    browser,
    origin,
    async close() {
      await browser.close()
      site.close()
      await upstream.close()
    },
  }
}

/** The functions of a page, as the test outside calls them in one of its frames. */
export const calling =
  <Page extends object>(frame: () => Pick<Tab, 'evaluate'>) =>
  <Name extends keyof Page>(
    name: Name,
    ...args: Page[Name] extends (...all: infer All) => unknown ? All : never
  ): Promise<Page[Name] extends (...all: never[]) => infer Answer ? Awaited<Answer> : never> =>
    frame().evaluate(
      ([one, given]) => {
        const { page } = globalThis as unknown as { readonly page: Record<string, (...all: unknown[]) => unknown> }
        return page[one as string]?.(...(given as unknown[])) as never
      },
      [name, args] as const,
    )
