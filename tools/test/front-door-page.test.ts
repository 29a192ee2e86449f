import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { optionTable } from '../option-table.ts'
import { pageOf, piecesOf, printed } from './page.ts'

const page = pageOf('docs/front-door.md')
const pieces = piecesOf(page, 'ts')
const isWhole = (code: string): boolean => code.includes("from 'guestpass'")
/** Those that go on from `gp`, one after the other. */
const going = pieces.filter(({ code }) => !isWhole(code))

const GOING = `import { guestpass } from 'guestpass'
const visit = async (url: string) => (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const gp = await guestpass()
${going.map(({ title, code }) => `console.log(${JSON.stringify(`# ${title}`)})\n{\n${code}}\n`).join('')}
await gp.close()
`

let upstream: Sandbox
let cwd = ''
beforeAll(async () => {
  upstream = await sandbox({ autoConsent: true })
  cwd = mkdtempSync(join(tmpdir(), 'guestpass-page-'))
})
afterAll(async () => {
  await upstream.close()
  rmSync(cwd, { recursive: true, force: true })
})

/** What a program of the page prints, which must be neither a warning nor a token. */
async function shown(name: string, code: string): Promise<string> {
  const env = { ...upstream.env, GUESTPASS_DATABASE_URL: join(cwd, `${name}.db`) }
  const { stdout, stderr } = await printed(`front-door-${name}`, code, { env })
  expect(stderr.replace(/^guestpass: (made the encryption key|WEBHOOK_SECRET is not set).*\n/gm, '')).toBe('')
  expect(stdout).not.toContain('eyJ')
  return stdout
}

describe('the page of the front door', () => {
  it.each(pieces.filter(({ code }) => isWhole(code)).map(({ code }, at) => [at, code] as const))(
    'has a program that runs as the page shows it: %s',
    async (at, code) => {
      expect(await shown(`whole-${at}`, code)).toMatch(/valid: true|Did you mean region/)
    },
  )

  it('has code for each of its sections that runs as the page shows it', async () => {
    const [, ...sections] = (await shown('going', GOING)).split(/^# .*\n/m)
    expect(sections).toHaveLength(going.length)
    expect(sections.filter((lines) => lines === '')).toEqual([])
  })

  it('lists every option', () => {
    const [, listed = ''] = /^<!-- options: [^\n]+ -->\n\n?([\s\S]*?)\n?<!-- end of options -->/m.exec(page) ?? []
    expect(listed.trim()).toBe(optionTable().trim())
  })
})
