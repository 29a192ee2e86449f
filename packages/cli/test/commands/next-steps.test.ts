import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type User, user } from '../e2e/user.ts'

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user()
})
afterEach(() => ann.removeFolder())

interface Steps {
  readonly state: string
  readonly guests?: object
  readonly next: readonly { readonly command: string }[]
}

/** What `guestpass` alone says: its state, and the commands without `guestpass`. */
async function said(env: Readonly<Record<string, string>> = {}): Promise<readonly [string, ...(readonly string[])]> {
  const plain = await ann.run('', { env })
  const { code, said: steps } = await ann.runJson<Steps>('', { env })
  expect([plain.code, code]).toEqual([0, 0])
  for (const { command } of steps.next) expect(plain.out).toContain(`  ${command} `)
  return [steps.state, ...steps.next.map(({ command }) => command.replace(/^guestpass ?/, ''))]
}

describe('guestpass alone', () => {
  it('names the demo and the sandbox in an empty folder, and makes nothing', async () => {
    expect(await said()).toEqual(['empty', 'demo', 'sandbox --env .env'])
    expect(readdirSync(ann.cwd)).toEqual([])
  })

  it('says what is wrong with a configuration, and what it lacks', async () => {
    expect((await said({ GENESYS_REGION: 'nowhere' }))[0]).toBe('misconfigured')
    expect((await ann.run('', { env: { GENESYS_REGION: 'mypurecloud.ie' } })).out).toContain(
      'GENESYS_CLIENT_ID: is not set',
    )
  })

  it('names a sign-in for a client without a secret, and no guests of the public platform', async () => {
    const env = { GENESYS_REGION: 'mypurecloud.ie', GENESYS_CLIENT_ID: 'c' }
    expect(await said(env)).toEqual(['configured', 'doctor', 'login'])
    const { privateKey } = generateKeyPairSync('ed25519')
    const GENESYS_PRIVATE_KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(await said({ ...env, GENESYS_PRIVATE_KEY })).toEqual(['configured', 'doctor', 'token'])
    const [state, ...commands] = await said({ ...env, GENESYS_GATEWAY: 'true' })
    expect([state, commands.at(-1)]).toEqual(['configured', expect.stringMatching(/^guest issue /)])
    expect(readdirSync(ann.cwd)).toEqual([])
  })

  it('names commands that work, up to keep and the log of a folder that has guests', async () => {
    const { env } = upstream
    const [state, ...commands] = await said(env)
    expect([state, ...commands.map((one) => one.split(' --')[0])]).toEqual([
      'configured',
      'doctor',
      'token',
      'guest issue',
    ])
    for (const command of commands) expect((await ann.run(command, { env })).code).toBe(0)
    expect(await said(env)).toEqual(['in_use', 'keep', 'guest list', 'audit tail -f', 'report', 'doctor'])
    expect((await ann.run('', { env })).out).toContain('Guests: 1 active.')
    expect(await said()).toEqual(['in_use', 'guest list', 'audit tail -f', 'report'])
  })

  it('treats a folder with an empty store and nothing configured as an empty one', async () => {
    expect((await ann.run('api-keys create --name shop --role issuer')).code).toBe(0)
    expect(await said()).toEqual(['empty', 'demo', 'sandbox --env .env'])
    const { out } = await ann.run('', { env: upstream.env })
    expect(out).toContain(`No guests yet in ${join(ann.cwd, '.guestpass', 'guestpass.db')}.`)
  })

  it('names variables where the store cannot be opened', async () => {
    expect((await ann.run('api-keys create --name shop --role issuer')).code).toBe(0)
    const env = { ...upstream.env, GUESTPASS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') }
    expect(await said(env)).toEqual(['store_failed', 'doctor'])
    const { out } = await ann.run('', { env })
    expect(out).toContain('GUESTPASS_ENCRYPTION_KEY')
    expect(out).not.toContain('encryptionKey')
  })

  it('names doctor where the store cannot be opened', async () => {
    writeFileSync(join(ann.cwd, 'broken.db'), 'this is no database, whatever its name says. '.repeat(40))
    expect(await said({ ...upstream.env, GUESTPASS_DATABASE_URL: 'broken.db' })).toEqual(['store_failed', 'doctor'])
  })

  it('is still refused with an unknown command or flag', async () => {
    await ann.expectFailure('tokn', 2, 'invalid_input')
    await ann.expectFailure('--conection x', 2, 'invalid_input')
  })
})
