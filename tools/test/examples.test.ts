import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Transit, transit } from './transit.ts'

const folder = join(import.meta.dirname, '../../examples')
const programs = readdirSync(folder).filter((name) => /^\w[\w-]*\.ts$/.test(name))

describe('the examples', () => {
  let upstream: Sandbox
  let vault: Transit
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
    vault = await transit(['guestpass'])
  })
  afterAll(() => Promise.all([upstream.close(), vault.close()]))

  it('are there', () => expect(programs).toContain('mint-guest-token.ts'))

  it.each(programs)('%s runs against the sandbox', async (name) => {
    const env = { ...upstream.env, ...vault.env }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { env })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/valid until \d{4}-/)
  })
})
