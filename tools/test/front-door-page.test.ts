import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { optionTable } from '../option-table.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/front-door.md'), 'utf8')

/** The code of the page, each piece with the section that it stands in. */
const pieces = page
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
      ([, code = '']) => [section.split('\n')[0] ?? '', code] as const,
    ),
  )
const isWhole = (code: string): boolean => code.includes("from 'guestpass'")
/** Those that go on from `gp`, one after the other. */
const going = pieces.filter(([, code]) => !isWhole(code))

const GOING = `import { guestpass } from 'guestpass'
const visit = async (url: string) => (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
const gp = await guestpass()
${going.map(([title, code]) => `console.log(${JSON.stringify(`# ${title}`)})\n{\n${code}}\n`).join('')}
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

/** What a program prints, in full. */
async function printed(name: string, code: string): Promise<string> {
  const file = join(root, 'examples', `.front-door-${process.pid}-${name}.ts`)
  writeFileSync(file, code)
  const env = { ...upstream.env, GUESTPASS_DATABASE_URL: join(cwd, `${name}.db`) }
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env })
    expect(stderr.replace(/^guestpass: (made the encryption key|WEBHOOK_SECRET is not set).*\n/gm, '')).toBe('')
    expect(stdout).not.toContain('eyJ')
    return stdout
  } finally {
    rmSync(file)
  }
}

describe('the page of the front door', () => {
  it.each(pieces.filter(([, code]) => isWhole(code)).map(([, code], at) => [at, code] as const))(
    'has a program that runs as it stands: %s',
    async (at, code) => {
      expect(await printed(`whole-${at}`, code)).toMatch(/valid: true|Did you mean region/)
    },
  )

  it('has code for each of its sections that runs as it stands', async () => {
    const [, ...sections] = (await printed('going', GOING)).split(/^# .*\n/m)
    expect(sections).toHaveLength(going.length)
    expect(sections.filter((lines) => lines === '')).toEqual([])
  })

  it('lists every option', () => {
    const [, listed = ''] = /^<!-- options: [^\n]+ -->\n\n?([\s\S]*?)\n?<!-- end of options -->/m.exec(page) ?? []
    expect(listed.trim()).toBe(optionTable().trim())
  })
})
