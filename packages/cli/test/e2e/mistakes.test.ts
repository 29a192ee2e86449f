import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { forEachConcurrently, JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

let upstream: Sandbox
let ann: User
const secret = (): string => upstream.env['GENESYS_CLIENT_SECRET'] ?? ''

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user(genesysVariables(upstream.env))
})
afterEach(() => {
  expect(ann.leaks([secret(), JWS])).toEqual([])
  ann.removeFolder()
})

const met = (): number => upstream.journal().length

describe('a request for a guest that is wrong', () => {
  const API = 'guest issue --api guest-tokens'
  const SCOPE = '--scope webmessaging:guest:send'
  const rows: readonly (readonly [line: string, fields: readonly string[]])[] = [
    [`${API} ${SCOPE} --guest-id 3f2b8c1e-7a54-0d09-9c1f-5b6e2a7d8f90`, ['--guest-id']],
    [`${API} ${SCOPE} --duration 86401`, ['--duration']],
    [`${API} ${SCOPE} --duration forever`, ['--duration']],
    [`${API} ${SCOPE} --duration __proto__`, ['--duration']],
    [API, ['--scope']],
    [`${API} --scope webmessaging:guest:send webmessaging:guest`, ['--scope[1]']],
    [`${API} --guest-id x --duration -1 --scope a b`, ['--guest-id', '--duration', '--scope[0]', '--scope[1]']],
    [`guest issue --api guests ${SCOPE}`, ['--api']],
    ...['show', 'refresh'].map((word) => [`guest ${word} ..`, ['<guest-id>']] as const),
  ]

  it('is refused whole, each field with its remedy, and nothing is sent', async () => {
    const before = met()
    // Makes the store, which is reported once.
    await ann.run('api-keys create --name shop --role issuer')
    await forEachConcurrently(
      rows,
      async ([line, fields]) => {
        const { problem, text } = await ann.expectFailure(line, 2, 'invalid_input')
        expect(problem.fields?.map(({ field }) => field)).toEqual(fields)
        for (const { field, message, remedy } of problem.fields ?? []) {
          expect(text).toContain(`  ${field}: ${message}\n    ${remedy}\n`)
          expect(remedy.length).toBeGreaterThan(10)
          // The sentence says the same names; a command whose only fault it is may say them once.
          if (problem.detail.startsWith('The request')) expect(problem.detail).toContain(`${field}: ${message}`)
        }
        expect(text.match(/^guestpass: /gm)).toHaveLength(1)
      },
      2,
    )
    expect(met()).toBe(before)
  })
})

describe('a token that was not given', () => {
  it.each([
    ['verify -', '<token>', 'standard input, which is empty'],
    ['guest refresh g-1 --token -', '--token', 'standard input, which is empty'],
    ['verify token.txt', '<token>', 'is the name of a file'],
    ['guest refresh g-1 --token token.txt', '--token', 'is the name of a file'],
  ])('is a mistake of the command line, not a token that is not valid: %s', async (line, field, message) => {
    writeFileSync(join(ann.cwd, 'token.txt'), 'text')
    const { problem } = await ann.expectFailure(line, 2, 'invalid_input')
    expect(problem.fields).toMatchObject([{ field, message: expect.stringContaining(message) }])
  })
})

describe('a place that is wrong', () => {
  it('is no region, which lists those there are', async () => {
    for (const name of ['GENESYS_REGION', 'GENESYS_ENV']) {
      const bob = user({ [name]: 'eu-west', GENESYS_CLIENT_ID: 'id', GENESYS_CLIENT_SECRET: secret() })
      const { problem, text } = await bob.expectFailure('token', 2, 'config_invalid')
      expect(problem.fields?.[0]).toMatchObject({ field: name, message: expect.stringContaining('eu-west') })
      expect(text).toMatch(/mypurecloud\.ie \(eu-west-1\)[^]*mypurecloud\.jp/)
      expect(bob.leaks([secret()])).toEqual([])
      bob.removeFolder()
    }
  })

  it('does not exist or does not answer', async () => {
    const rows = ['http://127.0.0.1:1', 'https://nowhere.invalid']
    await forEachConcurrently(rows, async (url) => {
      const bob = user({ ...genesysVariables(upstream.env), GENESYS_OAUTH_BASE_URL: url })
      const { problem } = await bob.expectFailure('token', 1, 'upstream_unavailable')
      expect(problem.detail).toContain(`cannot reach ${new URL(url).host}`)
      expect(bob.leaks([secret()])).toEqual([])
      bob.removeFolder()
    })
  })

  it('offers no guest tokens when it is the public platform, and nothing is sent there', async () => {
    const asked: string[] = []
    const proxy = createServer().listen(0, '127.0.0.1')
    proxy.on('connection', () => asked.push('connection'))
    proxy.on('connect', (_request, socket) => socket.destroy())
    await once(proxy, 'listening')
    const env = {
      GENESYS_REGION: 'mypurecloud.ie',
      GENESYS_CLIENT_ID: 'id',
      GENESYS_CLIENT_SECRET: secret(),
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    }
    const bob = user(env)
    // The proxy is of the process.
    const { code, err } = await bob.start(ISSUE).ended
    expect([code, err]).toEqual([2, expect.stringContaining('[api_not_public]')])
    expect(err).toContain('https://api.mypurecloud.ie')
    expect(err).toContain('GENESYS_GATEWAY=true')
    expect(asked).toEqual([])
    // With a gateway it is asked, here through the proxy, so that the silence before says something.
    expect((await bob.start(ISSUE, { env: { GENESYS_GATEWAY: 'true' } }).ended).code).toBe(1)
    expect(asked.length).toBeGreaterThan(0)
    bob.removeFolder()
    proxy.close()
  })
})

describe('an external user without a sign-in', () => {
  it('is refused with the command that mends it, from the environment that the sandbox prints', async () => {
    const bob = user(upstream.env)
    const { text } = await bob.expectFailure(
      'guest issue --api external-users --email cy@example.com --name Cy',
      3,
      'needs_reauth',
    )
    expect(text).toContain('no user is signed in')
    expect(text).toContain('`guestpass login`')
    expect(bob.leaks([secret(), 'cy@example.com'])).toEqual([])
    bob.removeFolder()
  })
})

describe('a configuration that is wrong', () => {
  it('is reported with every mistake at once, by every command that reads it', async () => {
    const env = { GENESYS_CLIENT_ID: '', GENESYS_RATE_LIMIT: '0', GENESYS_PUBLIC_KEY: 'secret-looking-value-4711' }
    await forEachConcurrently(['token', ISSUE, 'doctor'], async (line) => {
      const { problem } = await ann.expectFailure(line, 2, 'config_invalid', { env })
      expect(problem.fields?.map(({ field }) => field).sort()).toEqual(Object.keys(env).sort())
    })
    expect(ann.leaks(['secret-looking-value-4711'])).toEqual([])
  })

  it('is a file that is no JSON, without its content in the message', async () => {
    writeFileSync(join(ann.cwd, 'guestpass.config.json'), `{"clientSecret": "${secret()}",}`)
    const { text } = await ann.expectFailure('token', 2, 'config_invalid')
    expect(text).toMatch(/guestpass\.config\.json: is not JSON: line 1, column \d+/)
    writeFileSync(join(ann.cwd, 'guestpass.config.json'), '{}')
  })

  it('is a key that is none, or of another kind', async () => {
    const { problem } = await ann.expectFailure('token', 2, 'config_invalid', {
      env: { GENESYS_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\\nexpired\\n-----END PUBLIC KEY-----' },
    })
    expect(problem.fields?.[0]?.field).toBe('GENESYS_PUBLIC_KEY')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { problem: wrongKey } = await ann.expectFailure('token', 2, 'config_invalid', {
      env: { GENESYS_PUBLIC_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    })
    expect(wrongKey.fields?.[0]).toMatchObject({
      field: 'GENESYS_PUBLIC_KEY',
      remedy: 'Give its public part, which `openssl pkey -in FILE -pubout` prints.',
    })
    const { problem: short } = await ann.expectFailure('token', 2, 'config_invalid', {
      env: { GUESTPASS_ENCRYPTION_KEY: Buffer.alloc(16, 7).toString('base64') },
    })
    expect(short.fields?.[0]).toMatchObject({
      field: 'GUESTPASS_ENCRYPTION_KEY',
      remedy: expect.stringContaining('32 bytes'),
    })
  })
})

describe('another connection', () => {
  it('sees nothing of the default one', async () => {
    const {
      GENESYS_OAUTH_BASE_URL: oauthBaseUrl,
      GENESYS_API_BASE_URL: apiBaseUrl,
      GENESYS_CLIENT_ID: clientId,
    } = upstream.env
    const other = { oauthBaseUrl, apiBaseUrl, clientId, clientSecret: secret() }
    const config = join(ann.cwd, 'guestpass.config.json')
    writeFileSync(config, JSON.stringify({ connections: { other } }))
    const { said: guest } = await ann.runJson<{ guestId: string; token: string }>(`${ISSUE} --reveal`)
    const tokenRequests = (): number => upstream.journal().filter(({ operation }) => operation === 'token').length
    const before = tokenRequests()

    expect((await ann.runJson('guest list --connection other')).said).toMatchObject({ data: [] })
    for (const command of ['show', 'token', 'revoke']) {
      await ann.expectFailure(`guest ${command} ${guest.guestId} --connection other`, 2, 'guest_unknown')
    }
    expect((await ann.runJson('audit tail --connection other')).said).toMatchObject({ data: [] })
    expect((await ann.runJson('report --connection other')).said).toMatchObject({
      connection: 'other',
      guestTokens: { totalRequests: 0 },
      accessTokens: { totalRequests: 0 },
    })
    expect(tokenRequests()).toBe(before)
    expect((await ann.runJson('token --connection other')).said).toMatchObject({ generation: 1 })
    expect(tokenRequests()).toBe(before + 1)

    const { said: twin } = await ann.runJson(`${ISSUE} --connection other --guest-id ${guest.guestId}`)
    expect(twin).toMatchObject({ guestId: guest.guestId, generation: 1 })
    await ann.runJson(`guest revoke ${guest.guestId} --connection other`)
    expect((await ann.runJson(`guest show ${guest.guestId}`)).said).toMatchObject({ status: 'active', generation: 1 })
    expect((await ann.runJson('verify -', { input: guest.token })).said).toMatchObject({ valid: true })

    const { problem } = await ann.expectFailure('guest list --connection othr', 2, 'config_invalid')
    expect(problem.fields?.[0]?.remedy).toContain('Did you mean other?')
    // The file holds the secret by the user's own hand.
    writeFileSync(config, '{}')
  })
})

describe('an audit file that cannot be written', () => {
  it('is reported, fails no command, and gets the waiting records later', async () => {
    const folder = join(ann.cwd, 'logs')
    const env = { GUESTPASS_AUDIT_FILE: 'logs/audit.jsonl' }
    const { code, err } = await ann.run(ISSUE, { env })
    expect([code, err]).toEqual([0, expect.stringMatching(/audit file [^\n]*audit\.jsonl[^\n]*ENOENT/)])
    mkdirSync(folder)
    const written = (): string[] =>
      existsSync(join(folder, 'audit.jsonl'))
        ? readFileSync(join(folder, 'audit.jsonl'), 'utf8').trim().split('\n')
        : []
    // The next attempt is due a second or two after the one that failed.
    await expect
      .poll(async () => (await ann.run('report', { env })) && written().length, { timeout: 15_000, interval: 1_000 })
      .toBe(3)
    expect(statSync(join(folder, 'audit.jsonl')).mode & 0o777).toBe(0o600)
  })
})
