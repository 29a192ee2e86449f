import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { openCall, TryFailure, type TryFacts } from '../../src/policy/pipeline.ts'
import { type Http, type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { sendAndRead } from '../../src/upstream/answer.ts'
import { object, text } from '../../src/upstream/body.ts'
import { json } from '../world/fake-upstream.ts'

const SECRET = 'pa$$ w0rd/"+\\'
const BEARER = 'Zk3x-bearer'
const nested = object({ life: text() })
const reader = object({ token: text(), nested: (value) => (value === undefined ? undefined : nested(value)) })

const request: HttpRequest = {
  method: 'POST',
  url: 'https://api.example.com/api/v2/things',
  headers: { authorization: `Bearer ${BEARER}` },
  body: '{}',
  secrets: [new Secret(SECRET), new Secret(BEARER)],
}

const call = () => openCall({ connection: 'default', operation: 'make-thing', rateLimitKey: 'api', repeatable: true })
const ask = (http: Http) => sendAndRead({ http, clock: fakeClock() }, request, reader, call())
const answering = (answer: HttpAnswer) => ask(async () => answer)

async function failure(asked: Promise<unknown>): Promise<TryFacts> {
  const thrown: unknown = await asked.catch((error: unknown) => error)
  if (thrown instanceof TryFailure) return thrown.facts
  throw new Error(`not a failure of a try: ${inspect(thrown)}`)
}

const raw = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }, status = 200) => ({
  status,
  headers,
  bytes: new TextEncoder().encode(body),
})

const CORRELATION = '0b5f6f2e-6a0e-4b7e-9d44-2b1f0c9f8a11'
const traced = { 'content-type': 'application/json', 'inin-correlation-id': CORRELATION }

describe('an answer that fits', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/problem+json'])(
    'is read as %s',
    async (type) => {
      const { body } = await answering(raw('{"token":"t","more":1}', { 'content-type': type }))
      expect(body).toEqual({ token: 't' })
    },
  )

  it('gives the layers its status and headers', async () => {
    const answers: unknown[] = []
    const noticing = { ...call(), onAnswer: (answer: unknown) => void answers.push(answer) }
    await sendAndRead({ http: async () => json(200, { token: 't' }), clock: fakeClock() }, request, reader, noticing)
    const refused = sendAndRead({ http: async () => json(429, {}), clock: fakeClock() }, request, reader, noticing)
    await refused.catch(() => {})
    expect(answers).toMatchObject([{ status: 200 }, { status: 429 }])
  })
})

describe('an answer of success that makes no sense', () => {
  it.each([
    [
      'an HTML page',
      raw('<html><body>Welcome</body></html>', { ...traced, 'content-type': 'text/html' }),
      /text\/html, not JSON.*Welcome/,
    ],
    ['no content type', raw('{"token":"t"}', { 'inin-correlation-id': CORRELATION }), /of no type, not JSON/],
    [
      'a type that only looks like JSON',
      raw('{"token":"t"}', { ...traced, 'content-type': 'text/json' }),
      /text\/json, not JSON/,
    ],
    ['truncated JSON', raw('{"nested":{"life":', traced), /not readable JSON.*nested/],
    ['nothing', raw('', traced), /empty/],
    ['null', raw('null', traced), /lacks.*\(body:/],
    ['a list', raw('[]', traced), /lacks.*\(body:/],
    ['another object', raw('{"life":1}', traced), /lacks.*\(token:/],
    ['a member of another type', raw('{"token":"t","nested":{"life":1}}', traced), /lacks.*\(nested\.life:/],
  ])('%s', async (_, answer, said) => {
    const facts = await failure(answering(answer))
    expect(facts).toMatchObject({ code: 'upstream_garbled', sent: 'answered' })
    expect(facts.upstream).toEqual({ status: 200, requestId: CORRELATION })
    expect(facts.message).toMatch(/^make-thing: /)
    expect(facts.message).toMatch(said)
    expect(facts.message).toContain(`status 200, request ${CORRELATION}`)
  })

  it('a body over 1 MiB', async () => {
    const facts = await failure(ask(() => Promise.reject(new HttpFault('oversized', 'the answer is too long'))))
    expect(facts).toMatchObject({ code: 'upstream_garbled', sent: 'answered' })
    expect(facts.message).toBe('make-thing: api.example.com answered with more than 1 MiB.')
  })

  it('is shown by its beginning, on one line', async () => {
    const facts = await failure(
      answering(raw(`<h1>\n\tOops\u0000\u202e${' and so on'.repeat(50)}`, { 'content-type': 'text/html' })),
    )
    const excerpt = /It began: (".*")$/s.exec(facts.message)?.[1] ?? ''
    expect(JSON.parse(excerpt)).toMatch(/^<h1> Oops and so on/)
    expect((JSON.parse(excerpt) as string).length).toBeLessThanOrEqual(120)
  })
})

describe('a refusal', () => {
  it.each([
    [301, 'upstream_garbled'],
    [302, 'upstream_garbled'],
    [304, 'upstream_garbled'],
    [400, 'upstream_rejected'],
    [401, 'access_rejected'],
    [403, 'access_denied'],
    [404, 'upstream_rejected'],
    [408, 'upstream_unavailable'],
    [409, 'upstream_rejected'],
    [422, 'upstream_rejected'],
    [429, 'upstream_busy'],
    [500, 'upstream_unavailable'],
    [502, 'upstream_unavailable'],
    [503, 'upstream_unavailable'],
    [504, 'upstream_unavailable'],
    [599, 'upstream_unavailable'],
  ])('with status %i is %s', async (status, code) => {
    const facts = await failure(answering(json(status, { code: 'some.code', message: 'Because.' }, traced)))
    expect(facts).toMatchObject({
      code,
      sent: 'answered',
      upstream: { status, code: 'some.code', requestId: CORRELATION },
    })
    expect(facts.message.replace(/ The request went to .*$/, '')).toBe(
      `make-thing: upstream answered ${status} (some.code: Because.), request ${CORRELATION}.`,
    )
  })

  it.each([
    ['in the words of OAuth', '{"error":"invalid_scope","error_description":"No."}', 'invalid_scope: No.'],
    ['with a bare description', '{"error":"invalid_scope","description":"No."}', 'invalid_scope: No.'],
    ['with members of other types', '{"code":7,"message":{"a":1}}', '{"code":7,"message":{"a":1}}'],
    ['with an HTML page', '<html><title>No</title>\n<p class="a">Bad   gateway</html>', 'No Bad gateway'],
    ['with text', 'stack: shard 7', 'stack: shard 7'],
    ['with text that goes on', 'so '.repeat(100), 'so '.repeat(67).trim()],
    ['with truncated JSON', '{"code":"a', '{"code":"a'],
    ['with a list', '[1]', '[1]'],
    ['with a number', '7', '7'],
    ['with nothing', '', 'no reason given'],
    ['with a code that is prose', '{"code":"Oh no! It broke"}', '{"code":"Oh no! It broke"}'],
  ])('%s', async (_, body, said) => {
    const facts = await failure(answering(raw(body, { 'content-type': 'text/html' }, 502)))
    expect(facts.message).toBe(`make-thing: upstream answered 502 (${said}).`)
  })

  it('says when to come back', async () => {
    const after = async (value: string) =>
      (await failure(answering(json(429, {}, { 'retry-after': value })))).retryAfterMs
    expect(await after('7')).toBe(7_000)
    expect(await after('Thu, 01 Jan 2026 00:00:30 GMT')).toBe(30_000)
    expect(await after('later')).toBeUndefined()
  })

  it('shows a request id only when it looks like one', async () => {
    const facts = await failure(answering(json(500, {}, { 'inin-correlation-id': 'x'.repeat(61) })))
    expect(facts.upstream).toEqual({ status: 500 })
  })
})

describe('a request without an answer', () => {
  it('that never left is known not to have been sent', async () => {
    const facts = await failure(ask(() => Promise.reject(new HttpFault('unsent', 'ECONNREFUSED'))))
    expect(facts).toMatchObject({ code: 'upstream_unavailable', sent: 'no' })
    expect(facts.message).toBe(
      'make-thing: cannot reach api.example.com (ECONNREFUSED); check the address and the network.',
    )
  })

  it('whose answer was lost may have had its effect', async () => {
    const facts = await failure(ask(() => Promise.reject(new HttpFault('lost', 'other side closed'))))
    expect(facts).toMatchObject({ code: 'upstream_unavailable', sent: 'unknown' })
  })

  it('that the caller gave up keeps the reason', async () => {
    const reason = new Error('enough')
    await expect(ask(() => Promise.reject(reason))).rejects.toBe(reason)
  })
})

describe('what is shown of an answer', () => {
  const encodings = [
    SECRET,
    encodeURIComponent(SECRET),
    new URLSearchParams({ '': SECRET }).toString().slice(1),
    JSON.stringify(SECRET).slice(1, -1),
    BEARER,
  ]

  it.each(encodings)('never holds a secret of the request, as %s', async (encoding) => {
    const garbled = await failure(answering(raw(`{"echo":"x=${encoding}`)))
    const page = await failure(answering(raw(`<p>x=${encoding}&amp;`, { 'content-type': 'text/html' })))
    const refused = await failure(answering(json(400, { code: 'bad', message: `you sent x=${encoding}` })))
    for (const { message } of [garbled, page, refused]) {
      expect(message).not.toContain(encoding)
      expect(message).toContain('[removed]')
    }
  })

  it.each([
    '{"access_token":"short-one","expires_in":',
    '{"token" : "short-one", "nested":',
    '{"guestToken":"short-one"',
    '{"refresh_token":"short-one',
    '{"client_secret":"short-one"',
    '{"device_code":"short-one"',
    '{"code_verifier":"short-one"',
  ])('never holds a token of the answer: %s', async (body) => {
    expect((await failure(answering(raw(body)))).message).not.toContain('short-one')
  })

  it('never holds a long word that could be a secret, or a mail address, also when cut', async () => {
    const jwt = `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiIxIn0'.repeat(9)}.c2lnbmF0dXJl`
    const page = `<p>${'so '.repeat(30)}${jwt} for alice@example.com or bob%40example.com`
    const escaped = ['carol&#64;example.com', 'carol&#x40;example.com', 'carol&commat;example.com']
    const garbled = await failure(answering(raw(page, { 'content-type': 'text/html' })))
    expect(garbled.message).not.toContain('eyJ')
    const refused = await failure(answering(json(400, { message: page.slice(60) })))
    expect(refused.message).not.toMatch(/eyJ|alice|bob|example/)
    expect(refused.message).toContain('[removed] for [removed] or [removed]')
    for (const one of [...escaped, '"carol\\u0040example.com"'])
      expect((await failure(answering(raw(`not ${one}`, {}, 403)))).message).not.toMatch(/carol|example/)
  })

  it.each(['a', '"', 'token', '@', 'A', ' ', '"token":"'])(
    'takes no time to speak of for 1 MiB of %j',
    async (part) => {
      const page = part.repeat(1_048_576 / part.length)
      const { message } = await failure(answering(raw(page, { 'content-type': 'text/html' })))
      expect(message.length).toBeLessThan(500)
    },
  )

  it.each(['expirationDurationSeconds exceeds 86400', 'customAttributes.preferredLanguageCode invalid'])(
    'keeps the names of members: %s',
    async (message) => {
      const { message: said } = await failure(answering(json(400, { code: 'bad.request', message })))
      expect(said).toContain(message)
    },
  )

  it.each([
    'kQzVbTnRwXcLpMdFgHjYsAeU',
    'ABCDEFGHIJKLMNOPQRSTUVWX',
    'AbCdefGhIjklMnOpqrStUvwx.AbCdEf',
    'expirationDurationSeconds1',
    'expiration_DurationSeconds',
    '..ExpirationDurationSeconds',
  ])('removes what could be a secret although it looks like a name: %s', async (word) => {
    const { message } = await failure(answering(json(400, { message: `not ${word} here` })))
    expect(message).toContain('not [removed] here')
  })

  it.each(['x-request-id', 'x-correlation-id'])('takes the request id of %s', async (name) => {
    const { upstream, message } = await failure(answering(json(500, {}, { [name]: CORRELATION })))
    expect([upstream?.requestId, message]).toEqual([CORRELATION, expect.stringContaining(`request ${CORRELATION}`)])
  })

  it.each([
    ['https://user:canary@portal.example.com/canary?token=canary', 'a redirect to https://portal.example.com that'],
    ['/canary', 'a redirect that'],
    ['data:canary', 'a redirect to null that'],
  ])('is of a redirect to %s only where it leads', async (location, said) => {
    const { message } = await failure(answering({ ...raw('moved', traced, 302), headers: { location } }))
    expect(message).toContain(said)
    expect(message).not.toContain('canary')
  })

  it('is nothing of a body in a content coding that is not known', async () => {
    const coded = { ...traced, 'content-encoding': 'zstd' }
    const garbled = await failure(answering(raw('canary', coded)))
    const refused = await failure(answering(raw('canary', coded, 502)))
    for (const { message } of [garbled, refused]) expect(message).toMatch(/content coding zstd.*request 0b5f/)
    for (const { message } of [garbled, refused]) expect(message).not.toContain('canary')
  })

  it('keeps ids and long words of people', async () => {
    const message = `guest ${CORRELATION} lacks app.not.authorized.for.scope`
    expect((await failure(answering(json(400, { message })))).message).toContain(message)
  })
})

describe('an address that the API does not have', () => {
  it.each([404, 405])('is named with its setting, without what follows /api/v2: %i', async (status) => {
    const { message } = await failure(answering(json(status, {})))
    expect(message).toContain('The request went to https://api.example.com/api/v2/…: check `hosts.apiBaseUrl`.')
  })

  it('is not named for other statuses', async () => {
    expect((await failure(answering(json(400, {})))).message).not.toContain('The request went to')
  })
})
