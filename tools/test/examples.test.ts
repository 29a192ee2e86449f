import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'
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
    const GUESTPASS_ENCRYPTION_KEY = randomBytes(32).toString('base64')
    const env = { ...compileCache, ...upstream.env, ...vault.env, GUESTPASS_ENCRYPTION_KEY }
    // Its store and `.env` are those of the folder in which it runs.
    const cwd = mkdtempSync(join(tmpdir(), 'guestpass-example-'))
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { env, cwd })
      expect(stderr).toBe('')
      expect(stdout).toMatch(/valid until \d{4}-/)
    } finally {
      rmSync(cwd, { recursive: true, force: true })
    }
  })
})
