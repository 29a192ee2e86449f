import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = join(import.meta.dirname, '../../examples')
const programs = readdirSync(folder).filter((name) => /^\w[\w-]*\.ts$/.test(name))

describe('the examples', () => {
  let upstream: Sandbox
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
  })
  afterAll(() => upstream.close())

  it('are there', () => expect(programs).toContain('mint-guest-token.ts'))

  it.each(programs)('%s runs against the sandbox', async (name) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { env: upstream.env })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/valid until \d{4}-/)
  })
})
