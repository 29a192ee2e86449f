import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { GuestpassError, type Verdict } from '@guestpass/core'
import { type ExecutionContext, HttpException } from '@nestjs/common'
import realExpress from 'express'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it, vi } from 'vitest'
import { createCalls } from '../../src/front-door/calls.ts'
import { authorizationHeader, bearerToken } from '../../src/middleware/bearer-token.ts'
import { errorResponse, createErrorResponder } from '../../src/middleware/error-response.ts'
import * as express from '../../src/middleware/express.ts'
import * as fastify from '../../src/middleware/fastify.ts'
import { createGuestCheck } from '../../src/middleware/guest-check.ts'
import { guestFromClaims } from '../../src/middleware/guest.ts'
import * as hono from '../../src/middleware/hono.ts'
import * as nest from '../../src/middleware/nest.ts'
import type { GuestAuthOptions, TokenVerifier } from '../../src/middleware/options.ts'
import { asked } from './asked.ts'
import { listening } from './routes.ts'

const gp: TokenVerifier = { verify: async () => ({ valid: true, claims: { sub: 'ann', exp: 1_800_000_000.5 } }) }
const answering = (verify: () => Promise<Verdict>): TokenVerifier => ({ verify })

/** The names of the arguments that are wrong, by what a factory throws. */
function faultsOf(make: () => unknown): readonly string[] {
  try {
    make()
  } catch (error) {
    const { code, fields = [], message } = error as GuestpassError
    for (const { remedy } of fields) expect(message).toContain(remedy)
    return [code, ...fields.map(({ field }) => field)]
  }
  return []
}

type Factory = (gp: TokenVerifier, options: object) => unknown
const factories = { express, fastify, hono, nest }

describe.each(Object.entries(factories))('guestpassErrors of %s', (_name, { guestpassErrors }) => {
  it('names every wrong option', () => {
    const faults = (options: unknown) => faultsOf(() => guestpassErrors(options as object))
    expect(faults(undefined)).toEqual([])
    expect(faults({ onError: () => {} })).toEqual([])
    expect(faults({ onError: 'log', onerror: () => {} })).toEqual(['config_invalid', 'onError', 'onerror'])
    expect(faults(() => {})).toEqual(['config_invalid', 'options'])
  })
})

describe.each(Object.entries(factories))('guestAuth of %s', (_name, { guestAuth }) => {
  const faults = (verifier: unknown, options: unknown) =>
    faultsOf(() => (guestAuth as Factory)(verifier as TokenVerifier, options as object))

  it('takes right options', () => {
    expect(faults(gp, undefined)).toEqual([])
    expect(
      faults(gp, { scopes: ['a', 'b:c'], subject: () => 'x', optional: true, token: () => 't', onError: () => {} }),
    ).toEqual([])
    expect(faults(gp, { scopes: undefined, subject: undefined, optional: undefined, token: undefined })).toEqual([])
  })

  it.each([undefined, null, {}, Promise.resolve(gp), { verify: true }])(
    'refuses what does not verify: %s',
    (verifier) => {
      expect(faults(verifier, {})).toEqual(['config_invalid', 'gp'])
    },
  )

  it('names every wrong option', () => {
    const wrong = { scopes: 'a b', subject: 'ann', optional: 'yes', token: 1, onError: true, scope: ['a'] }
    const names = ['scopes', 'subject', 'optional', 'token', 'onError', 'scope']
    expect(faults({}, wrong)).toEqual(['config_invalid', 'gp', ...names])
    expect(faults(gp, null)).toEqual(['config_invalid', 'options'])
  })

  it.each([[['']], [['a b']], [['a"b']], [['a\r\nx-y: z']], [[1]]])('refuses scopes that are none: %j', (scopes) => {
    expect(faults(gp, { scopes })).toEqual(['config_invalid', 'scopes[0]'])
  })
})

describe('the check of a request', () => {
  const check = (verifier: TokenVerifier, options: GuestAuthOptions<string | undefined> = {}) =>
    createGuestCheck(verifier, options, (authorization) => authorization)('Bearer t')

  it('answers 503 while the store cannot be used', async () => {
    const store = new GuestpassError('store_unavailable', '/var/lib/guests.db cannot be read', {
      reason: 'disk_failing',
    })
    const reported: unknown[] = []
    const onError = (error: GuestpassError): never => {
      reported.push(error)
      throw new Error('a logger that fails')
    }
    const { answer } = await check(
      answering(() => Promise.reject(store)),
      { onError },
    )
    expect([answer?.status, answer?.body, reported]).toEqual([503, expect.not.stringContaining('/var/lib'), [store]])
  })

  it('rejects with what is no GuestpassError, for the framework to answer', async () => {
    const fault = new TypeError('not ours')
    await expect(check(answering(() => Promise.reject(fault)))).rejects.toBe(fault)
    const throwing = () => {
      throw fault
    }
    await expect(check(gp, { subject: throwing })).rejects.toBe(fault)
    await expect(check(gp, { token: throwing })).rejects.toBe(fault)
  })

  it('takes no promise, list or number for a guest id or a token', async () => {
    const odds: readonly unknown[] = [Promise.resolve('ann'), ['ann'], 7, null]
    for (const odd of odds) {
      expect((await check(gp, { subject: () => odd as string })).answer?.status).toBe(403)
      expect((await check(gp, { token: () => odd as string })).answer?.status).toBe(401)
    }
  })

  it('asks for subject and scopes', async () => {
    const calls: unknown[] = []
    const verify: TokenVerifier['verify'] = async (...call) => {
      calls.push(call)
      return { valid: false, reason: 'subject' }
    }
    await check({ verify }, { scopes: ['a'], subject: () => 'ann' })
    await check({ verify })
    expect(calls).toEqual([
      ['t', { subject: 'ann', scopes: ['a'] }],
      ['t', { scopes: [] }],
    ])
  })
})

describe('around the check', () => {
  it('refuses what is not HTTP in Nest', async () => {
    const context = { getType: () => 'ws' } as unknown as ExecutionContext
    expect(await nest.guestAuth(gp).canActivate(context)).toBe(false)
  })

  it('gives the filters of Nest an exception, and sets no type that Nest would warn of', async () => {
    const [set, sent]: [string[], unknown[]] = [[], []]
    const response = {
      headersSent: false,
      removeHeader: () => {},
      header: (name: string) => set.push(name),
      status: (status: number) => (sent.push(status), response),
      send: (body: string) => sent.push(body),
    }
    const host = {
      getType: () => 'http',
      switchToHttp: () => ({ getRequest: () => ({ headers: {} }), getResponse: () => response }),
    } as unknown as ExecutionContext
    const thrown: unknown = await Promise.resolve(nest.guestAuth(gp).canActivate(host)).catch((error) => error)
    expect(thrown).toBeInstanceOf(HttpException)
    expect([(thrown as HttpException).getStatus(), set]).toEqual([401, ['cache-control', 'www-authenticate']])
    const problem = (thrown as HttpException).getResponse()
    expect(problem).toMatchObject({ status: 401, code: 'token_invalid', reason: 'no_token' })
    nest.guestpassErrors().catch(thrown as GuestpassError, host)
    expect([sent, set]).toEqual([[401, JSON.stringify(problem)], expect.arrayContaining(['content-type'])])
  })

  it('cuts off an answer of Fastify 4 that has begun', () => {
    const cut: string[] = []
    const raw = { headersSent: true, destroy: () => cut.push('destroyed') }
    const reply = { raw, hijack: () => (cut.push('hijacked'), reply) }
    const handle = fastify.guestpassErrors() as unknown as (error: unknown, request: unknown, reply: unknown) => void
    handle(new GuestpassError('internal', 'Odd.'), {}, reply)
    expect(cut).toEqual(['hijacked', 'destroyed'])
  })

  it('leaves a preflight to the CORS layer before it', async () => {
    const app = new Hono().use(cors({ origin: 'https://shop.example' }), hono.guestAuth(gp))
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'GET' }
    const preflight = await app.request('/me', { method: 'OPTIONS', headers })
    const refused = await app.request('/me', { headers })
    const allowed = (answer: Response) => [answer.status, answer.headers.get('access-control-allow-origin')]
    expect([allowed(preflight), allowed(refused)]).toEqual([
      [204, 'https://shop.example'],
      [401, 'https://shop.example'],
    ])
  })

  it('gives other errors in Hono to the handler that it was given', async () => {
    const app = new Hono().onError(
      hono.guestpassErrors({ otherwise: (error, c) => c.text(`own: ${error.message}`, 418) }),
    )
    app.get('/', () => {
      throw new TypeError('odd')
    })
    expect(await (await app.request('/')).text()).toBe('own: odd')
  })

  it('answers an HTTPException in Hono as Hono does', async () => {
    const app = new Hono().onError(hono.guestpassErrors())
    app.get('/', () => {
      throw new HTTPException(402, { message: 'pay first' })
    })
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([402, 'pay first'])
  })

  it('loads no framework but the one that a program has loaded', () => {
    const program = `
      import { registerHooks } from 'node:module'
      registerHooks({
        resolve(name, context, next) {
          if (/^(express|fastify|hono|@nestjs)\\b/.test(name)) console.log(name)
          return next(name, context)
        },
      })
      for (const one of ['express', 'fastify', 'hono', 'nest']) await import('guestpass/' + one)`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    const loaded = new Set(stdout.split('\n').map((name) => name.split('/')[0]))
    expect([[...loaded], stderr]).toEqual([['@nestjs', ''], ''])
  })
})

describe('a listener of errors', () => {
  it('gets every GuestpassError that is answered, and no other', () => {
    const reported: unknown[] = []
    const answers = createErrorResponder({ onError: (error) => reported.push(error) })
    const ours = new GuestpassError('config_invalid', 'GENESYS_CLIENT_SECRET is missing')
    expect([answers(ours)?.status, answers(new TypeError('odd')), reported]).toEqual([500, undefined, [ours]])
  })

  it('may reject, which ends no process', async () => {
    const rejections = vi.fn()
    process.once('unhandledRejection', rejections)
    const answers = createErrorResponder({ onError: async () => Promise.reject(new Error('a logger that fails')) })
    expect(answers(new GuestpassError('internal', 'Odd.'))?.status).toBe(500)
    await new Promise(setImmediate)
    expect(rejections).not.toHaveBeenCalled()
    process.off('unhandledRejection', rejections)
  })
})

describe('guestAuth of express', () => {
  it.each([undefined, null, '', 'route', 'router'])('runs no route when the check rejects with %j', async (odd) => {
    const logged = vi.spyOn(console, 'error').mockReturnValue()
    const app = realExpress()
    const verify = () => Promise.reject(odd)
    app.get('/me', express.guestAuth({ verify }), (_request, response) => void response.send('open'))
    app.get('/me', (_request, response) => void response.send('open'))
    const { url, close } = await listening(createServer(app))
    expect((await asked(`${url}/me`, [['authorization', 'Bearer a']])).status).toBe(500)
    await close()
    logged.mockRestore()
  })
})

describe('the guest of a token', () => {
  it('has id, scopes and end where the claims have them, the end rounded down', () => {
    const claims = { sub: 'ann', exp: 1_800_000_000.0005, scope: 'a b a' }
    expect(guestFromClaims(claims)).toEqual({
      guestId: 'ann',
      claims,
      scopes: ['a', 'b'],
      expiresAt: 1_800_000_000_000,
      verified: true,
    })
    expect(guestFromClaims({ sub: 7 })).toEqual({ claims: { sub: 7 }, scopes: [], verified: true })
  })
})

describe('the Authorization header', () => {
  it.each([
    [undefined, 'none'],
    ['', 'none'],
    ['Bearerx y', 'none'],
    ['Digest username="a", realm="b"', 'none'],
    ['Bearer a', { token: 'a' }],
    ['  bearer \t a.b-c_~+/== ', { token: 'a.b-c_~+/==' }],
    ['Bearer', { token: '' }],
    ['Bearer a,b', 'several'],
    ['Basic a, Bearer b', 'several'],
  ])('%j', (header, presented) => {
    expect(bearerToken(header)).toEqual(presented)
  })

  it('is what earlier middleware wrote, where the request itself had one at most', () => {
    expect(authorizationHeader({ headers: { authorization: 'Bearer a' } })).toBe('Bearer a')
    const rawHeaders = ['Authorization', 'Bearer old', 'x', 'authorization']
    expect(authorizationHeader({ headers: { authorization: 'Bearer a' }, rawHeaders })).toBe('Bearer a')
    expect(authorizationHeader({ headers: {}, rawHeaders: ['host', 'a'] })).toBeUndefined()
  })
})

describe('the answer to an error', () => {
  const retryAfter = (retryAt: number): string | undefined =>
    errorResponse(new GuestpassError('upstream_busy', 'No.', { retryAt }), 10_000).headers['retry-after']

  it('counts whole seconds until the next try, and at least one', () => {
    expect([retryAfter(12_000), retryAfter(12_001), retryAfter(10_000), retryAfter(1)]).toEqual(['2', '3', '1', '1'])
  })

  it('counts by the clock of the connection that the error came from', async () => {
    const fault = new GuestpassError('upstream_busy', 'No.', { retryAt: 12_000 })
    const calls = createCalls('default', undefined, { error: (thrown) => thrown }, () => 10_000)
    const thrown = await calls.run(undefined, () => Promise.reject(fault)).catch((error: unknown) => error)
    const answered = createErrorResponder({})(thrown)
    expect(answered?.headers['retry-after']).toBe('2')
  })

  it('has nothing of the message, the upstream or the fields but their paths', () => {
    const secret = 'ann@example.com'
    const facts = {
      fields: [
        { field: 'email', message: secret, remedy: secret },
        { field: secret, message: '', remedy: '' },
      ],
      upstream: { status: 400, code: secret, requestId: secret },
      unsaved: secret,
      cause: new Error(secret),
    }
    expect(errorResponse(new GuestpassError('invalid_input', secret, facts)).problem).toEqual({
      type: 'urn:guestpass:error:invalid_input',
      title: 'The request is not valid',
      status: 400,
      code: 'invalid_input',
      retryable: false,
      fields: [{ field: 'email' }],
    })
  })
})
