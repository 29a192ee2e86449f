import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCommandRunner } from '../../src/commands/runner/runner.ts'
import { Interruption } from '../../src/commands/runner/host-process.ts'
import { commandGroups, commands } from '../../src/commands/index.ts'
import { createTokenIssuer } from './token-issuer.ts'
import { forEachConcurrently, type User, user } from './user.ts'

const mint = createTokenIssuer()
const stranger = createTokenIssuer()
const now = Math.floor(Date.now() / 1000)
const claims = {
  sub: 'guest-1',
  scope: 'webmessaging:guest:send webmessaging:guest:read',
  iss: 'https://login.example',
  aud: ['web', 'app'],
  iat: now,
  exp: now + 3_600,
}
const good = mint.token(claims)
const [head = '', body = '', signature = ''] = good.split('.')

let eve: User
let keyServer: Server
let keysUrl: string

beforeAll(async () => {
  keyServer = createServer((request, response) => {
    if (request.url === '/slow') keyServer.emit('slow')
    else if (request.url !== '/keys') response.writeHead(500).end('<html>broken</html>')
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(mint.keySet))
  }).listen(0, '127.0.0.1')
  await once(keyServer, 'listening')
  keysUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`
  eve = user(
    {},
    {
      'keys.json': JSON.stringify(mint.keySet),
      'two-of-a-kind.json': JSON.stringify({ keys: [mint.keySet.keys[0], stranger.keySet.keys[0]] }),
      'rsa.pem': mint.rsaPem,
      'odd.json': JSON.stringify({ keys: [null, { kid: 'odd' }, 'x', ...mint.keySet.keys] }),
      'marked.json': `\uFEFF${JSON.stringify(mint.keySet)}`,
      'encryption.json': JSON.stringify({ keys: [{ ...mint.rsaJwk, kid: 'rsa', use: 'enc' }, mint.keySet.keys[1]] }),
      'pkcs1.pem': createPublicKey(mint.rsaPem).export({ type: 'pkcs1', format: 'pem' }).toString(),
      'several.pem': `\uFEFF${stranger.rsaPem}${mint.ecPem}${mint.rsaPem.replaceAll('\n', '\\n')}`,
      'ec.pem': mint.ecPem,
      'empty.json': '{"keys":[]}',
      'garbage.json': '{"keys": [',
      'garbage.pem': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
    },
  )
})
afterAll(() => {
  eve.removeFolder()
  keyServer.close()
  keyServer.closeAllConnections()
})

const KEYS = '--jwks keys.json'

type Row = readonly [what: string, token: string, flags: string, reason?: string]

const noExp = { ...claims, exp: undefined }
const changed = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
const jwk = { jwk: stranger.rsaJwk }

const rows: readonly Row[] = [
  ['a good token', good, KEYS],
  ['with a PEM file', good, '--public-key rsa.pem'],
  ['ES256 where it is accepted', mint.token(claims, { alg: 'ES256', kid: 'ec' }), `${KEYS} --algorithm RS256 ES256`],
  ['ES256 with a PEM file', mint.token(claims, { alg: 'ES256' }), '--public-key ec.pem --algorithm ES256'],
  [
    'everything that was expected',
    good,
    `${KEYS} --subject guest-1 --issuer https://login.example --audience app --scope webmessaging:guest:read webmessaging:guest:send`,
  ],
  ['scopes as a list', mint.token({ ...claims, scope: ['a', 'b'] }), `${KEYS} --scope b`],

  ['a header of the type', mint.token(claims, { typ: 'at+jwt' }), `${KEYS} --type application/AT+JWT`],
  ['a type in full', mint.token(claims, { typ: 'application/at+jwt' }), `${KEYS} --type at+jwt`],
  ['an odd entry in the key-set', good, '--jwks odd.json'],
  ['a byte order mark in the key-set', good, '--jwks marked.json'],
  ['PKCS #1 in the PEM file', good, '--public-key pkcs1.pem'],
  ['several keys in the PEM file', good, '--public-key several.pem'],
  ['a byte order mark before it', `\uFEFF${good}\r`, KEYS],

  ['another type', mint.token(claims, { typ: 'at+jwt' }), `${KEYS} --type JWT`, 'type'],
  ['no type', good, `${KEYS} --type at+jwt`, 'type'],
  ['no token at all', 'hello', KEYS, 'malformed'],
  ['padding', `${head}.${body}=.${signature}`, KEYS, 'malformed'],
  ['a payload that is a list', mint.token([claims]), KEYS, 'malformed'],
  ['a claim twice', mint.token('{"sub":"a","sub":"b","exp":9999999999}'), KEYS, 'malformed'],
  ['more than 16 KiB', mint.token({ ...claims, fill: 'x'.repeat(16_384) }), KEYS, 'oversized'],
  ['none', mint.token(claims, { alg: 'none' }), KEYS, 'algorithm'],
  ['nOnE', mint.token(claims, { alg: 'nOnE' }, 'none'), KEYS, 'algorithm'],
  ['HMAC with the public key', mint.token(claims, { alg: 'HS256' }), '--public-key rsa.pem', 'algorithm'],
  ['ES256 where RS256 alone is accepted', mint.token(claims, { alg: 'ES256', kid: 'ec' }), KEYS, 'algorithm'],
  ['another algorithm than the key has', mint.token(claims, { kid: 'ec' }), KEYS, 'algorithm'],
  ['an extension that is critical', mint.token(claims, { crit: ['b64'], b64: false }), KEYS, 'critical_header'],
  ['a key of its own', stranger.token(claims, jwk), KEYS, 'unknown_key'],
  ['the address of a key of its own', stranger.token(claims, { jku: 'http://127.0.0.1:1/' }), KEYS, 'unknown_key'],
  ['an unknown kid', mint.token(claims, { kid: 'other' }), KEYS, 'unknown_key'],
  ['no kid among two keys', mint.token(claims, { kid: undefined }), '--jwks two-of-a-kind.json', 'unknown_key'],
  ['another signature', `${head}.${body}.${changed(signature)}`, KEYS, 'signature'],
  ["a stranger's signature", stranger.token(claims), KEYS, 'signature'],
  ['no signature', `${head}.${body}.`, KEYS, 'signature'],
  [
    'a signature of zeros',
    mint.token(claims, { alg: 'ES256', kid: 'ec' }).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
    `${KEYS} --algorithm ES256`,
    'signature',
  ],
  ['an expiry that is past', mint.token({ ...claims, exp: now - 60 }), KEYS, 'expired'],
  ['a beginning to come', mint.token({ ...claims, nbf: now + 600 }), KEYS, 'not_yet_valid'],
  ['no expiry', mint.token(noExp), KEYS, 'missing_exp'],
  ['another issuer', good, `${KEYS} --issuer https://login.example.`, 'issuer'],
  ['another audience', good, `${KEYS} --audience we`, 'audience'],
  ['another subject', good, `${KEYS} --subject guest-10`, 'subject'],
  ['a part of a scope', good, `${KEYS} --scope webmessaging:guest`, 'scope'],
  ['a scope too many', good, `${KEYS} --scope webmessaging:guest:send webmessaging:guest:update`, 'scope'],
]

describe('guestpass verify', () => {
  it('says of every token whether it is valid, and if not why', async () => {
    const found: unknown[] = []
    await forEachConcurrently(rows, async ([what, token, flags]) => {
      const { code, said } = await eve.runJson<{ valid: boolean; reason?: string; claims?: unknown }>(
        `verify - ${flags}`,
        {
          input: `${token}\n`,
        },
      )
      if (said.valid) expect(said.claims).toMatchObject({ exp: claims.exp })
      found.push([what, code, said.valid, said.reason])
    })
    const sorted = (list: readonly unknown[]): string[] => list.map((one) => JSON.stringify(one)).sort()
    expect(sorted(found)).toEqual(
      sorted(rows.map(([what, , , reason]) => [what, reason ? 4 : 0, reason === undefined, reason])),
    )
  })

  it('says the same to people, for a token on the command line', async () => {
    const valid = await eve.run(`verify ${good} ${KEYS}`)
    expect(valid).toMatchObject({ code: 0, out: expect.stringMatching(/^valid\n {2}sub: "guest-1"\n/), err: '' })
    const expired = await eve.run(`verify ${mint.token({ ...claims, exp: 1 })} ${KEYS}`)
    expect(expired).toEqual({
      code: 4,
      out: expect.stringMatching(/^not valid: expired\n {2}Get a valid token /),
      err: '',
    })
  })

  it('names the scopes that are missing, and the key that was left out', async () => {
    const lacking = `verify ${good} ${KEYS} --scope webmessaging:guest:send a b`
    expect((await eve.runJson(lacking)).said).toEqual({ valid: false, reason: 'scope', missing: ['a', 'b'] })
    expect((await eve.run(lacking)).out).toMatch(/^not valid: scope: it lacks a b\n {2}Issue the guest again /)
    const left = await eve.run(`verify ${good} --jwks encryption.json`)
    expect(left).toMatchObject({ code: 4, out: expect.stringContaining('key rsa: its use is not sig') })
  })

  it('takes scopes with commas between them, as other commands do', async () => {
    const both = `verify ${good} ${KEYS} --scope webmessaging:guest:send,webmessaging:guest:read`
    expect((await eve.runJson(both)).said).toMatchObject({ valid: true })
    expect((await eve.runJson(`${both},a`)).said).toMatchObject({ missing: ['a'] })
  })

  it.each(['--scope=', '--scope=,', '--subject=', '--issuer=', '--audience=', '--type='])(
    'refuses %s, which expects nothing',
    async (flag) => {
      const { problem } = await eve.expectFailure(`verify ${good} ${KEYS} ${flag}`, 2, 'invalid_input')
      expect(problem.fields).toMatchObject([{ field: flag.replace(/=.*/, ''), message: 'is empty' }])
    },
  )

  it('asks the key-set when the configured key is an old one, and not before', async () => {
    const env = {
      GENESYS_OAUTH_BASE_URL: 'http://127.0.0.1:1',
      GENESYS_API_BASE_URL: 'http://127.0.0.1:1',
      GENESYS_PUBLIC_KEY: stranger.rsaPem,
    }
    const asking = { env: { ...env, GENESYS_JWKS_URL: keysUrl } }
    expect((await eve.runJson(`verify ${good}`, asking)).said).toMatchObject({ valid: true })
    const unreachable = { env: { ...env, GENESYS_JWKS_URL: 'http://127.0.0.1:1/keys' } }
    expect((await eve.runJson(`verify ${stranger.token(claims)}`, unreachable)).said).toMatchObject({ valid: true })
    await eve.expectFailure(`verify ${good}`, 1, 'keys_unavailable', unreachable)
    expect((await eve.runJson(`verify ${good}`, { env })).said).toMatchObject({ reason: 'signature' })
  })

  it('asks an address for the keys, and cannot answer without them', async () => {
    expect((await eve.runJson(`verify ${good} --jwks ${keysUrl}`)).said).toMatchObject({ valid: true })
    expect((await eve.runJson(`verify ${stranger.token(claims)} --jwks ${keysUrl}`)).said).toMatchObject({
      reason: 'signature',
    })
    for (const url of [keysUrl.replace('/keys', '/broken'), 'http://127.0.0.1:1/keys']) {
      const { text } = await eve.expectFailure(`verify ${good} --jwks ${url}`, 1, 'keys_unavailable')
      expect(text).toContain('signing keys')
    }
  })

  it.each(['with', 'without'])('is ended at once by Ctrl-C while the keys are slow, %s a store', async (place) => {
    const pat = user()
    if (place === 'with') await pat.run('guest list')
    const ending = new AbortController()
    const asked = once(keyServer, 'slow')
    let err = ''
    // No time passes, so that nothing but the signal can end it.
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const code = createCommandRunner(commands, commandGroups, {
        argv: ['verify', good, '--jwks', keysUrl.replace('/keys', '/slow')],
        env: {},
        cwd: pat.cwd,
        pid: 1,
        program: '',
        stdout: { write: () => undefined },
        stderr: { write: (text) => (err += text) },
        input: async () => new Uint8Array(),
        signal: ending.signal,
        version: '0',
      }).run()
      await asked
      ending.abort(new Interruption('SIGINT', 130))
      expect(await code).toBe(130)
      expect(err).toBe('guestpass: Interrupted by SIGINT.\n')
    } finally {
      vi.useRealTimers()
      pat.removeFolder()
    }
  })

  it('refuses what it cannot check with, and names the flag', async () => {
    const wrong: readonly (readonly [flags: string, code: string, part: string])[] = [
      ['--jwks http://keys.example/jwks', 'invalid_input', '--jwks'],
      ['--jwks nowhere.json', 'invalid_input', 'ENOENT'],
      ['--jwks garbage.json', 'invalid_input', 'is not JSON: line 1, column'],
      ['--jwks empty.json', 'invalid_input', '--jwks: its list of keys is empty'],
      ['--public-key garbage.pem', 'invalid_input', '--public-key: '],
      ['--public-key keys.json', 'invalid_input', '--public-key: '],
      ['--public-key rsa.pem --jwks keys.json', 'invalid_input', 'cannot be combined'],
      ['--jwks keys.json --algorithm HS256', 'invalid_input', '--algorithm'],
      ['', 'config_invalid', 'GENESYS_REGION'],
    ]
    await forEachConcurrently(
      wrong,
      async ([flags, code, part]) => {
        const { text } = await eve.expectFailure(`verify ${good} ${flags}`, 2, code)
        expect(text).toContain(part)
      },
      2,
    )
  })

  it('takes a key from the configuration, its lines ended by \\n', async () => {
    const env = {
      GENESYS_PUBLIC_KEY: mint.rsaPem.trim().replaceAll('\n', '\\n'),
      GENESYS_OAUTH_BASE_URL: 'http://127.0.0.1:1',
      GENESYS_API_BASE_URL: 'http://127.0.0.1:1',
    }
    expect((await eve.runJson(`verify ${good}`, { env })).said).toMatchObject({ valid: true })
    expect((await eve.runJson(`verify ${stranger.token(claims)}`, { env })).said).toMatchObject({ reason: 'signature' })
  })

  it('does not repeat a token that it was given by mistake', async () => {
    const lines = [`verify ${good} ${good} ${KEYS}`, `verify --jwks ${good}`, `verify ${good} --wrong=${good}`]
    for (const line of lines) expect((await eve.run(line)).code).toBe(2)
    for (const command of ['show', 'token', 'revoke'])
      await eve.expectFailure(`guest ${command} ${good}`, 2, command === 'token' ? 'config_invalid' : 'invalid_input')
    expect(eve.leaks([signature, signature.slice(0, 40)])).toEqual([])
  })
})
