import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createGuestCheck } from '../../src/middleware/guest-check.ts'
import { expressApp } from './apps/express.ts'
import { fastifyApp } from './apps/fastify.ts'
import { honoApp } from './apps/hono.ts'
import { nestApp } from './apps/nest.ts'
import { asked } from './asked.ts'
import { type App, begun, type RouteParts } from './routes.ts'
import { ANN, RECEIVE, SEND, type TokenKind, type TokenKinds, tokenKinds } from './tokens.ts'

let kinds: TokenKinds
beforeAll(async () => {
  kinds = await tokenKinds()
})
afterAll(() => kinds.close())

const bearer = (kind: TokenKind) => (): Headers => [['authorization', `Bearer ${kinds.tokens[kind]}`]]
type Headers = readonly (readonly [string, string])[]
type Asked = Awaited<ReturnType<typeof asked>>

const ann = { status: 200, body: { guestId: ANN, scopes: [SEND, RECEIVE], verified: true } }

/** Refusals by their reason: the status, the code, the challenge. */
const refused = (status: number, reason: string, detail: string, challenge?: string) => ({
  status,
  challenge,
  body: {
    ...(status === 400
      ? { type: 'urn:guestpass:error:invalid_input', title: 'The request is not valid', code: 'invalid_input' }
      : { type: 'urn:guestpass:error:token_invalid', title: 'The token is not valid', code: 'token_invalid' }),
    status,
    detail,
    retryable: false,
    reason,
  },
})
const invalid = (reason: string) =>
  refused(401, reason, `The guest token is not valid: ${reason}.`, 'Bearer error="invalid_token"')
const none = refused(
  401,
  'no_token',
  'The request has no guest token in `Authorization: Bearer TOKEN`.',
  'Bearer realm="guest"',
)
const noneInCookie = refused(
  401,
  'no_token',
  'The request has no guest token where it is read from.',
  'Bearer realm="guest"',
)
const several = refused(
  400,
  'several_tokens',
  'The request has more than one Authorization header.',
  'Bearer error="invalid_request"',
)
const otherGuest = refused(403, 'subject', 'The guest token is of another guest.')
const lacksScope = refused(
  403,
  'scope',
  'The guest token lacks a scope.',
  `Bearer error="insufficient_scope", scope="${SEND}"`,
)

/** Requests, and what every framework answers. */
const cases: readonly (readonly [title: string, path: string, headers: () => Headers, expected: object])[] = [
  ['a valid token', '/me', bearer('valid'), ann],
  ['a scheme in other letters', '/me', () => [['authorization', `bEARER  ${kinds.tokens.valid}`]], ann],
  ['no token', '/me', () => [], none],
  ['another scheme', '/me', () => [['authorization', 'Basic YTpi']], none],
  ['a token without a scheme', '/me', () => [['authorization', kinds.tokens.valid]], none],
  ['an empty token', '/me', () => [['authorization', 'Bearer']], invalid('malformed')],
  ['a malformed token', '/me', () => [['authorization', 'Bearer undefined']], invalid('malformed')],
  ['a token with blanks', '/me', () => [['authorization', `Bearer ${kinds.tokens.valid} x`]], invalid('malformed')],
  ['a token of odd bytes', '/me', () => [['authorization', 'Bearer \x80\xff\t\xe9.\xfe.\xa0']], invalid('malformed')],
  ['a token over 16 KiB', '/me', () => [['authorization', `Bearer ${'a'.repeat(20_000)}.b.c`]], invalid('oversized')],
  ['two tokens', '/me', () => [...bearer('valid')(), ...bearer('valid')()], several],
  ['a token after another scheme', '/me', () => [['authorization', 'Basic YTpi'], ...bearer('valid')()], several],
  ['an expired token', '/me', bearer('expired'), invalid('expired')],
  ['a token of a wrong key', '/me', bearer('wrongKey'), invalid('signature')],
  ['a revoked token', '/me', bearer('revoked'), invalid('revoked')],
  ['the token of the guest', `/guests/${ANN}`, bearer('valid'), ann],
  ['the token of another guest', `/guests/${ANN}`, bearer('other'), otherGuest],
  ['a valid token, where the request names no guest', '/no-subject', bearer('valid'), otherGuest],
  ['an expired token, where the request names no guest', '/no-subject', bearer('expired'), invalid('expired')],
  ['a token with the scope', '/scoped', bearer('valid'), ann],
  ['a token without the scope', '/scoped', bearer('narrow'), lacksScope],
  ['no token, where it is optional', '/open', () => [], { status: 200, body: { guestId: null } }],
  [
    'another scheme, where a token is optional',
    '/open',
    () => [['authorization', 'Basic YTpi']],
    { status: 200, body: { guestId: null } },
  ],
  ['a valid token, where it is optional', '/open', bearer('valid'), ann],
  ['an invalid token, where it is optional', '/open', bearer('expired'), invalid('expired')],
  ['two tokens, where one is optional', '/open', () => [...bearer('valid')(), ...bearer('other')()], several],
  ['a token in a cookie', '/cookie', () => [['cookie', `theme=dark; guest=${kinds.tokens.valid}`]], ann],
  ['a token in the header, where it is read from a cookie', '/cookie', bearer('valid'), noneInCookie],
  ['an empty cookie', '/cookie', () => [['cookie', 'guest=']], noneInCookie],
]

it('answers whatever comes as a header with 400 or 401', async () => {
  const check = createGuestCheck({ verify: kinds.verifier.verify }, {}, (header: string) => header)
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((token) => `Bearer ${token}`),
  )
  await fc.assert(
    fc.asyncProperty(header, async (text) => {
      expect([400, 401]).toContain((await check(text)).answer?.status)
    }),
    { numRuns: 100 },
  )
})

/** Errors that routes throw, and what every framework answers of them. */
const problem = (status: number, code: string, title: string, more: object = {}) => ({
  status,
  body: { type: `urn:guestpass:error:${code}`, title, status, code, retryable: false, ...more },
})
const problems: readonly (readonly [name: string, expected: object])[] = [
  ['exists', problem(409, 'session_exists', 'A session for this address and channel exists', { reason: 'claimed' })],
  ['config', problem(500, 'config_invalid', 'The configuration is not valid')],
  ['input', problem(400, 'invalid_input', 'The request is not valid', { fields: [{ field: 'email' }] })],
  ['ended', problem(502, 'needs_reauth', 'The sign-in or the session of the guest has ended', { reason: 'guest' })],
]

const frameworks: readonly (readonly [name: string, start: (parts: RouteParts) => Promise<App>])[] = [
  ['express', expressApp],
  ['fastify', fastifyApp],
  ['hono', honoApp],
  ['nest', nestApp],
]

describe.each(frameworks)('%s', (_name, start) => {
  let app: App
  beforeAll(async () => {
    app = await start(kinds)
  })
  afterAll(() => app.close())

  const seen = ({ status, headers, type, body }: Asked) => ({
    status,
    ...(type === 'application/problem+json' ? { challenge: headers['www-authenticate'] } : {}),
    body,
  })

  it.each(cases)('answers %s', async (_title, path, headers, expected) => {
    const answer = await asked(`${app.url}${path}`, headers())
    expect(seen(answer)).toEqual(expected)
    expect(answer.headers['access-control-allow-origin']).toBe('https://shop.example')
    if (answer.status !== 200) expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('answers a preflight as any request without a token', async () => {
    const preflight = [
      ['origin', 'https://shop.example'],
      ['access-control-request-method', 'GET'],
    ] as const
    expect((await asked(`${app.url}/me`, preflight, 'OPTIONS')).status).toBe(401)
  })

  it('answers 503 with Retry-After while the keys cannot be had', async () => {
    const answer = await asked(`${app.url}/keyless`, bearer('valid')())
    expect(answer).toMatchObject({
      status: 503,
      type: 'application/problem+json',
      headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/), 'cache-control': 'no-store' },
    })
    expect({ status: answer.status, body: answer.body }).toEqual(
      problem(503, 'keys_unavailable', 'The signing keys are unavailable', {
        retryable: true,
        retryAt: expect.stringMatching(/Z$/),
      }),
    )
  })

  it('cuts off an answer that has begun', async () => {
    const logged = vi.spyOn(console, 'error').mockReturnValue()
    await expect(asked(`${app.url}/half`)).rejects.toThrow(/aborted|reset|hang up/i)
    logged.mockRestore()
  })

  it('answers in place of a body that the route began with', async () => {
    const { status, type, headers, body } = await asked(`${app.url}/begun`)
    expect([status, type, body]).toEqual([503, 'application/problem+json', expect.objectContaining({ status: 503 })])
    const kept = Object.entries(headers).filter(([name, value]) => (begun as Record<string, unknown>)[name] === value)
    expect(kept).toEqual([])
  })

  describe.each(['throws', 'rejects'])('a route that %s', (way) => {
    it.each(problems)('is answered by the catalogue: %s', async (name, expected) => {
      const answer = await asked(`${app.url}/${way}/${name}`)
      expect({ status: answer.status, body: answer.body }).toEqual(expected)
      expect(answer).toMatchObject({ type: 'application/problem+json', headers: { 'cache-control': 'no-store' } })
    })

    it('says when to come back', async () => {
      const { status, headers, body } = await asked(`${app.url}/${way}/busy`)
      expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-5]$/)])
      expect(Object.keys(body as object)).toEqual(['type', 'title', 'status', 'code', 'retryable', 'retryAt'])
    })

    it('leaves other errors to the framework', async () => {
      const logged = vi.spyOn(console, 'error').mockReturnValue()
      const { status, type } = await asked(`${app.url}/${way}/type`)
      expect([status, type]).toEqual([500, expect.not.stringContaining('problem')])
      logged.mockRestore()
    })
  })
})
