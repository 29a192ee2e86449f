import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR } from '../../src/domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../src/domain/errors.ts'
import { relay } from '../../src/outbox/relay.ts'
import { HttpFault } from '../../src/ports/http.ts'
import { report } from '../../src/report/report.ts'
import { jsonLines } from '../../src/sinks/json-lines.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { type Answering, granted, json, jwt, strangerKey } from '../world/fake-upstream.ts'
import { refusal, world } from '../world/world.ts'

const CANARY = 'test-secret-0123456789'
const clientSecret = `${CANARY} client+secret/"`
const GUEST = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'

/** Everything that could be printed of a value. */
const printed = (value: unknown): string =>
  [
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    inspect(value, { depth: Infinity, customInspect: false }),
    JSON.stringify(value),
    String(value),
    value instanceof Error ? `${value.message} ${value.stack} ${printed(value.cause)}` : '',
    value instanceof GuestpassError ? JSON.stringify(value.toProblem()) : '',
  ].join('\n')

describe('a secret', () => {
  const secret = new Secret(`${CANARY}-end`)

  it('prints as a mask in every way', () => {
    const ways = [
      printed(secret),
      printed({ deep: [{ secret }] }),
      `secret: ${secret as unknown as string}`,
      printed(new Map([[secret, secret]])),
    ]
    for (const way of ways) expect(way).not.toContain(CANARY)
    expect(Object.keys(secret)).toEqual([])
    expect(structuredClone({ secret })).toEqual({ secret: {} })
    expect(secret.reveal()).toBe(`${CANARY}-end`)
  })

  it('shows its last four characters on purpose only, and none when it is short', () => {
    expect(secret.mask()).toBe('gp_…-end')
    expect(new Secret('123456789012').mask()).toBe('gp_…9012')
    expect(new Secret('12345678901').mask()).toBe('gp_…')
  })

  it('would be found by this test if it leaked', () => {
    expect(printed({ leak: secret.reveal() })).toContain(CANARY)
    expect(printed(new Error('x', { cause: new Error(secret.reveal()) }))).toContain(CANARY)
  })
})

describe('no secret is seen', () => {
  const access = `${CANARY}-access`
  const good: Answering = () => granted(1, { access_token: access })
  /** Answers that repeat all that they were sent. */
  const echo =
    (status: number, type = 'application/json'): Answering =>
    ({ headers, body }) => {
      const said = `${headers['authorization']} ${body}`
      const answer = json(status, { error: 'invalid_request', error_description: said, message: said })
      return { ...answer, headers: { 'content-type': type, 'inin-correlation-id': 'abc' } }
    }
  const reset: Answering = () =>
    Promise.reject(new HttpFault('lost', 'ECONNRESET', { cause: new Error('socket hang up') }))

  const tokenFaults: Readonly<Record<string, Answering>> = {
    'refuses and repeats the request': echo(400),
    'refuses the client': echo(401),
    'fails and repeats the request': echo(503),
    'answers with a page': echo(200, 'text/html'),
    'answers with other JSON': echo(200),
    'is reset': reset,
    'issues a token that does not verify': () => granted(1, { access_token: jwt({ sub: CANARY, exp: 1 }) }),
    'lacks the scope': () => granted(1, { access_token: access, scope: 'other' }),
  }
  const mintFaults: Readonly<Record<string, Answering>> = {
    'refuses and repeats the request': echo(403),
    'refuses the token': echo(401),
    'fails and repeats the request': echo(500),
    'answers with a page': echo(200, 'text/html'),
    'answers with truncated JSON': () => ({ ...json(200, {}), bytes: new TextEncoder().encode(`{"token":"${CANARY}`) }),
    'is reset': reset,
    'issues a token that does not verify': () => json(200, { token: jwt({ sub: CANARY, exp: 4e9 }, strangerKey) }),
    'issues an opaque token': () => json(200, { token: CANARY }),
  }

  /** One guest asked for with an upstream as given, and all that came of it but the answer. */
  async function outputs(token: Answering, mint: Answering | undefined) {
    const here = world()
    const store = memoryStore({ clock: here.clock, route: () => ['audit'] })
    const kept: unknown[] = []
    const watched = {
      ...store,
      setFact: (connection: string, name: string, value: unknown) => {
        kept.push([name, value])
        return store.setFact(connection, name, value)
      },
      commit: (change: Parameters<typeof store.commit>[0]) => {
        kept.push(change)
        return store.commit(change)
      },
    }
    here.upstream.token = token
    if (mint) here.upstream.mint = mint
    const connection = await here.process(
      { client: { id: 'client', secret: new Secret(clientSecret) }, policy: { retry: { retries: 1, baseMs: 0 } } },
      { store: watched },
    )
    const heard: unknown[] = []
    connection.guests.onTokenReady((ready, secret) => void heard.push(ready, secret))
    const asked = connection.guests.issue({ guestId: GUEST, scopes: ['webmessaging:guest:send'] })
    const result: unknown = await asked.catch((error: unknown) => error)
    const { accessTokens } = connection
    const minting = accessTokens.for({ scopes: ['webmessaging:guest:create'] })
    const later: unknown = await minting.token().catch((error: unknown) => error)
    let lines = ''
    await relay(
      store.outbox,
      jsonLines('audit', async (more) => void (lines += more)),
      here,
    ).drain(new AbortController().signal)
    const stored = [await here.events(), await report(store, 'default'), [...connection.meters.counters]]
    const values = [kept, lines, stored, connection, heard, result, later]
    const leaks = values.map(printed).join('\n')
    return { leaks, lines, result, minted: here.upstream.asked.mint.length }
  }

  it('when all is well', async () => {
    const { leaks, lines, result } = await outputs(good, undefined)
    expect(result).toMatchObject({ generation: 1 })
    expect(leaks).not.toContain(CANARY)
    expect(leaks).not.toContain('eyJ')
    expect(lines).not.toContain(GUEST)
    expect(lines.split('\n')).toHaveLength(4)
  })

  it.each(Object.entries(tokenFaults))('when the token endpoint %s', async (_, answer) => {
    const { leaks, result, lines } = await outputs(answer, undefined)
    expect(result).toBeInstanceOf(GuestpassError)
    expect(leaks).not.toContain(CANARY)
    expect(leaks).not.toMatch(/client.{1,3}secret.{1,3}"/)
    expect(leaks).not.toContain('eyJ')
    expect(lines).toContain('ACCESS_TOKEN_')
  })

  it.each(Object.entries(mintFaults))('when generate-token %s', async (_, answer) => {
    const { leaks, result, lines, minted } = await outputs(good, answer)
    expect(result).toBeInstanceOf(GuestpassError)
    expect(minted).toBeGreaterThan(0)
    expect(leaks).not.toContain(CANARY)
    expect(leaks).not.toContain('eyJ')
    expect(lines).toContain('TOKEN_FAILED')
    expect(lines).not.toContain(GUEST)
  })

  it('in the back-off that a store keeps', async () => {
    const here = world()
    here.upstream.token = echo(503)
    const { accessTokens } = await here.process({ client: { id: 'client', secret: new Secret(clientSecret) } })
    await refusal(accessTokens.token())
    const { credentials } = await here.store.list('default', { kind: 'access', limit: 9 })
    expect(credentials[0]?.backOff?.message).toContain('503')
    expect(printed(credentials)).not.toContain(CANARY)
    await here.clock.advance(HOUR)
    expect(printed(await refusal(accessTokens.token()))).not.toContain(CANARY)
  })
})

describe('an error', () => {
  it('of ours stays what it is', () => {
    const error = new GuestpassError('invalid_input', 'No.')
    expect(asGuestpassError(error)).toBe(error)
  })

  it.each(['AbortError', 'TimeoutError'])('named %s is a caller who gave up', (name) => {
    expect(asGuestpassError(new DOMException('', name)).code).toBe('cancelled')
  })

  it.each([new TypeError('odd'), 'odd', undefined, null, { a: 1 }, Symbol('odd')])(
    'of another kind (%s) is internal, its cause kept',
    (thrown) => {
      const error = asGuestpassError(thrown)
      expect(error.code).toBe('internal')
      expect(error.retryable).toBe(false)
      if (thrown !== undefined) expect(error.cause).toBe(thrown)
    },
  )

  it('becomes a problem document with all its facts', () => {
    const error = new GuestpassError('upstream_busy', 'Later.', {
      retryAt: Date.UTC(2026, 0, 1),
      upstream: { status: 429, code: 'too.many.requests', requestId: 'abc' },
      fields: [{ field: 'a', message: 'b', remedy: 'c' }],
      reason: 'expired',
    })
    expect(JSON.parse(JSON.stringify(error.toProblem()))).toEqual({
      type: 'urn:guestpass:error:upstream_busy',
      title: 'The upstream takes no more requests for now',
      status: 503,
      detail: 'Later.',
      code: 'upstream_busy',
      retryable: true,
      retryAt: '2026-01-01T00:00:00.000Z',
      fields: [{ field: 'a', message: 'b', remedy: 'c' }],
      upstream: { status: 429, code: 'too.many.requests', requestId: 'abc' },
      reason: 'expired',
    })
  })
})
