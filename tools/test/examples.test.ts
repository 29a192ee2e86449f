import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readConfig } from '@guestpass/runtime'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { type Service, startService } from '@guestpass/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'
import { type Transit, transit } from './transit.ts'

const folder = join(import.meta.dirname, '../../examples')
const programs = readdirSync(folder).filter((name) => /^\w[\w-]*\.ts$/.test(name))

async function serviceOn({ env: upstream }: Sandbox): Promise<Service> {
  const env = { ...upstream, GUESTPASS_DATABASE_URL: 'memory:', GUESTPASS_DRAIN_SECONDS: '0' }
  const config = await readConfig({ env, cwd: folder, needs: ['hosts', 'clientId'] })
  const host = { env, cwd: folder, signal: new AbortController().signal }
  const log = (): void => {}
  return startService({ configs: [config], host, address: '127.0.0.1', port: 0, version: '0.0.0', log })
}

describe('the examples', () => {
  let upstream: Sandbox
  let vault: Transit
  let service: Service
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
    vault = await transit(['guestpass'])
    service = await serviceOn(upstream)
  })
  afterAll(async () => {
    await service.stop()
    await Promise.all([upstream.close(), vault.close()])
  })

  it('are there', () => expect(programs).toContain('mint-guest-token.ts'))

  it.each(programs)('%s runs against the sandbox', async (name) => {
    const GUESTPASS_ENCRYPTION_KEY = randomBytes(32).toString('base64')
    const called = { SERVICE_URL: service.url, SERVICE_KEY: service.runKeys[0]?.key.reveal() }
    const env = { ...compileCache, ...upstream.env, ...vault.env, ...called, GUESTPASS_ENCRYPTION_KEY }
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
