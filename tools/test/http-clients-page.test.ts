import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/http-clients.md'), 'utf8')
/** The programs of the page by the section that they stand in; the first is what all others begin with. */
const [[, setup] = ['', ''], ...programs] = page
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
      ([, code = '']) => [section.split('\n')[0] ?? '', code] as const,
    ),
  )

let upstream: Sandbox
beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())

it.each(programs)('the lines for %s run as they stand', async (title, code) => {
  const file = join(root, 'examples', `.http-clients-${process.pid}-${title.replace(/\W+/g, '-')}.ts`)
  writeFileSync(file, `${setup}\n${code}\nawait ports.close()\nprocess.exit()\n`)
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env: upstream.env })
    expect([stdout, stderr]).toEqual(['200\n', ''])
  } finally {
    rmSync(file)
  }
})
