import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sandbox } from '@guestpass/sandbox'
import { expect, it, onTestFinished } from 'vitest'
import { readSettings } from '../../packages/sandbox/src/options.ts'
import { sandboxPartsMaker } from '../../packages/sandbox/src/sandbox-parts.ts'
import { fencesOf } from '../reference/markdown.ts'
import { pageOf } from './page.ts'

const page = pageOf('docs/sandbox.md')
const [, ...blocks] = fencesOf(page).filter(({ language }) => language === 'sh')
const script = blocks.map(({ code }) => code).join('\n')

/** Commands that send a request, each on one line. The functions of the page send one for each call. */
const requests = script
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => /\b(curl|control|api) /.test(line) && !/^\w+\(\) \{/.test(line))

/** Method and path of a command of the page. */
function requestOf(command: string): string {
  const route = /\bcontrol (\w+)/.exec(command)?.[1]
  if (route !== undefined) return `POST /__sandbox/${route}`
  const [, method = / -d /.test(command) ? 'POST' : 'GET'] = /-X (\w+)/.exec(command) ?? []
  const [, path = ''] = /\$URL([^\s"?]*)|$/.exec(command) ?? []
  return `${method} ${command.includes('$IDP_WEBHOOK_URL') ? '/webhooks/idp' : path}`
}

it('has curl commands that answer as the page says', async () => {
  const upstream = await sandbox()
  const cwd = mkdtempSync(join(tmpdir(), 'guestpass-sandbox-page-'))
  onTestFinished(async () => {
    await upstream.close()
    rmSync(cwd, { recursive: true, force: true })
  })
  const lines = Object.entries(upstream.env).map(([name, value]) => `${name}='${value}'\n`)
  writeFileSync(join(cwd, '.env'), lines.join(''))
  const wrapper = `set -euo pipefail\ncurl() { command curl -sS -w '%{stderr}%{http_code}\\n' "$@"; }\n`
  const { stderr } = await promisify(execFile)('bash', ['-c', `${wrapper}${script}`], { cwd })
  const statuses = stderr.trim().split('\n')
  expect(statuses).toHaveLength(requests.length)
  for (const [at, command] of requests.entries()) {
    const [, expected = '[23]\\d\\d'] = /# (\d{3})$/.exec(command) ?? []
    expect(`${statuses[at]} ${command}`).toMatch(new RegExp(`^${expected} `))
  }
})

it('has a curl command for every route, and names every operation of faults', async () => {
  const shown = new Set(requests.map(requestOf))
  const makeParts = await sandboxPartsMaker(readSettings({ algorithm: 'ES256' }), () => 'http://127.0.0.1')
  const { endpoints, faults } = makeParts()
  const isShown = (method: string, path: string): boolean => {
    const pattern = new RegExp(`^${method} ${path.replaceAll(/:\w+/g, '[^/]+')}$`)
    return [...shown].some((one) => pattern.test(one))
  }
  const absent = endpoints
    .filter(({ method, paths }) => !paths.some((path) => isShown(method, path)))
    .map(({ method, paths }) => `${method} ${paths[0]}`)
  // The browser sends these from a page.
  expect(absent).toEqual(['POST /oauth/authorize', 'POST /device'])
  for (const operation of faults.operations) expect(page).toContain(`\`${operation}\``)
})

it('has a curl command and a line in the table for every control route', async () => {
  const upstream = await sandbox({ algorithm: 'ES256' })
  onTestFinished(() => upstream.close())
  const { paths } = (await (await fetch(`${upstream.url}/__sandbox/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>
  }
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const shown = new Set(requests.map(requestOf))
  expect(routes.filter((route) => !shown.has(route))).toEqual([])
  const table = page.split('\n').filter((line) => /^\| `.*__sandbox/.test(line))
  const listed = table.flatMap((line) => {
    const [, cell = ''] = line.split('|')
    const path = /\/__sandbox\/[\w.]+/.exec(cell)?.[0]
    return [...cell.matchAll(/[A-Z]{3,}/g)].map(([method]) => `${method} ${path}`)
  })
  expect(listed.sort()).toEqual(routes.sort())
})
