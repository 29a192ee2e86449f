import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/policy/pipeline.ts'
import { openCall, TryFailure, type TryFacts } from '../../src/policy/pipeline.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { HttpAnswer, HttpRequest } from '../../src/ports/http.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { sendAndRead } from '../../src/upstream/answer.ts'
import { guestTokenCalls } from '../../src/upstream/guest-tokens/provider.ts'
import type { MintRequest } from '../../src/upstream/guest-tokens/wire.ts'
import { type OAuthClient, authenticateBySecret } from '../../src/upstream/oauth/client.ts'
import {
  clientCredentialsRequest,
  explainToken,
  grantedOf,
  tokenAnswer,
  tokenReading,
} from '../../src/upstream/oauth/wire.ts'
import { json } from '../world/fake-upstream.ts'
import { ACCESS, answerOf, type Exchange, expectSame, names, read, samples, values } from './wire-fixtures.ts'

async function factsOf(asked: Promise<unknown>): Promise<TryFacts> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof TryFailure) return thrown.facts
  throw new Error(`expected a failure, got ${String(thrown)}`)
}

describe('client credentials on the wire', () => {
  const method = ({ request }: Exchange) => {
    if (request.headers['authorization']) return 'basic'
    return request.body?.['client_secret'] ? 'body' : 'none'
  }
  const clientOf = ({ request: { headers, body = {} } }: Exchange): OAuthClient => {
    const secret = headers['authorization'] ? values['clientSecret'] : body['client_secret']
    const id = headers['authorization'] ? values['clientId'] : body['client_id']
    return { id: id as string, ...(secret === undefined ? {} : { secret: new Secret(secret as string) }) }
  }
  const asks = (given: Exchange, sent: HttpRequest[] = []) => {
    const scopes = ((given.request.body?.['scope'] as string | undefined) ?? '').split(' ')
    const url = `https://login.example.com${given.request.path}`
    const request = clientCredentialsRequest(url, authenticateBySecret(clientOf(given), method(given)), scopes)
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      sent.push(request)
      return answerOf(given.answer)
    }
    const call = openCall({ connection: 'default', operation: 'token', lane: 'token', repeatable: true })
    return sendAndRead({ http, clock: fakeClock() }, request, tokenAnswer, call, tokenReading(explainToken))
  }
  const fixtures = names('oauth')
    .map((name) => [name, read(name)] as const)
    .filter(([, { request }]) => request.body?.['grant_type'] === 'client_credentials')

  it('has exchanges to replay', () => {
    expect(fixtures.length).toBeGreaterThan(4)
  })

  it.each(fixtures)('%s', async (_, given) => {
    const sent: HttpRequest[] = []
    const asked = asks(given, sent)
    if (given.answer.status === 200) {
      const { body, receipt } = await asked
      const granted = grantedOf(body, receipt)
      expect(granted.access.reveal()).toBe(samples['jwt'])
      expect(granted).toMatchObject({
        lifetime: 3_600_000,
        scopes: ['webmessaging:guest:create', 'webmessaging:guesttoken:write'],
        status: 200,
      })
    } else {
      const facts = await factsOf(asked)
      const { error } = given.answer.body as { error: string }
      expect(facts).toMatchObject({ sent: 'answered', upstream: { code: error, status: given.answer.status } })
      expect(facts.code).toBe({ invalid_client: 'client_rejected', invalid_scope: 'scope_missing' }[error])
      expect(facts.message).toContain(samples['text'])
    }
    expect(sent).toHaveLength(1)
    expectSame(sent[0] as HttpRequest, given.request)
  })

  it('names the client in Basic as it is, or form-encoded by option', () => {
    const client = { id: 'ünï:cödé+ %', secret: new Secret('s & é/=') }
    const pairOf = (basicEncoding?: 'raw' | 'form') => {
      const request = clientCredentialsRequest(
        'https://x/t',
        authenticateBySecret({ ...client, ...(basicEncoding ? { basicEncoding } : {}) }, 'basic'),
        [],
      )
      expect(request.body).toBe('grant_type=client_credentials')
      return Buffer.from(request.headers['authorization']?.slice('Basic '.length) ?? '', 'base64').toString()
    }
    expect(pairOf()).toBe('ünï:cödé+ %:s & é/=')
    expect(pairOf('raw')).toBe(pairOf())
    expect(pairOf('form')).toBe('%C3%BCn%C3%AF%3Ac%C3%B6d%C3%A9%2B+%25:s+%26+%C3%A9%2F%3D')
  })

  it.each([
    ['no token', { token_type: 'bearer' }],
    ['an empty token', { access_token: '' }],
    ['a token that is a number', { access_token: 7 }],
  ])('an answer with %s makes no sense', async (_, body) => {
    const given = { ...read('oauth/client-credentials.json'), answer: { status: 200, headers: {}, body } }
    expect((await factsOf(asks(given))).code).toBe('upstream_garbled')
  })

  it('an answer may say little or leniently how long the token lives and what it may', async () => {
    const given = (body: object) => ({
      ...read('oauth/client-credentials.json'),
      answer: { status: 200, headers: {}, body },
    })
    const grant = async (body: object) => {
      const { body: read, receipt } = await asks(given({ access_token: 'a', ...body }))
      return grantedOf(read, receipt)
    }
    expect(await grant({})).toMatchObject({ lifetime: 300_000 })
    expect((await grant({ scope: null })).scopes).toBeUndefined()
    expect(await grant({ expires_in: '60', token_type: 'BEARER', scope: 'b  a b' })).toMatchObject({
      lifetime: 60_000,
      scopes: ['b', 'a'],
    })
  })

  it.each<[string, object, object]>([
    ['a scope with commas', { scope: 'b,a' }, { scopes: ['b', 'a'] }],
    ['a scope as a list', { scope: ['b', 7, 'a'] }, { scopes: ['b', 'a'] }],
    ['a scope of another type', { scope: { a: true } }, {}],
    ['an empty list of scopes', { scope: [] }, {}],
    ['another token_type', { token_type: 'mac' }, {}],
    ['a token_type that is no text', { token_type: 7 }, {}],
    ['an id_token that is no text', { id_token: { a: 1 } }, {}],
    ['a refresh_token that is no text', { refresh_token: 7 }, {}],
    ['empty tokens beside it', { refresh_token: '', id_token: '' }, {}],
    ['expires_in of another type', { expires_in: {} }, {}],
    ['an error beside it', { error: '' }, {}],
    ['an error and a token', { error: 'invalid_grant' }, {}],
  ])('an answer with %s costs no token', async (_, body, more) => {
    const answer = { status: 200, headers: { 'content-type': 'text/plain' }, body: { access_token: 'a', ...body } }
    const { body: read_, receipt } = await asks({ ...read('oauth/client-credentials.json'), answer })
    const { access, ...others } = grantedOf(read_, receipt)
    expect([access.reveal(), others]).toEqual(['a', { status: 200, lifetime: 300_000, ...more }])
  })

  it('the Date header of an answer tells the clock of the issuer', async () => {
    const given = (date: string) => ({
      ...read('oauth/client-credentials.json'),
      answer: { status: 200, headers: { date }, body: { access_token: 'a' } },
    })
    const issuerNow = async (date: string) => {
      const { body, receipt } = await asks(given(date))
      return grantedOf(body, receipt).issuerNow
    }
    expect(await issuerNow('Thu, 01 Jan 2026 00:00:30 GMT')).toBe(Date.UTC(2026, 0, 1, 0, 0, 30))
    for (const other of [
      '2026-01-01T00:00:30Z',
      'Thu, 01 Jan 2026 00:00:30 +0100',
      'Thu, 99 Foo 2026 00:00:30 GMT',
      '',
    ]) {
      expect(await issuerNow(other)).toBeUndefined()
    }
  })

  it.each([
    [400, { error: 'invalid_client' }, 'client_rejected'],
    [401, {}, 'client_rejected'],
    [401, { error: 'invalid_token' }, 'client_rejected'],
    [401, { code: 'bad.credentials' }, 'client_rejected'],
    [400, { error: 'invalid_grant' }, 'needs_reauth'],
    [400, { error: 'unauthorized_client' }, 'access_denied'],
    [400, { error: 'unsupported_grant_type' }, 'access_denied'],
    [400, { error: 'invalid_request' }, 'upstream_rejected'],
    [403, {}, 'access_denied'],
    [429, { error: 'invalid_grant' }, 'upstream_busy'],
    [429, { error: 'invalid_client' }, 'upstream_busy'],
    [500, { error: 'invalid_grant' }, 'upstream_unavailable'],
    [500, { error: 'invalid_client' }, 'client_rejected'],
    [502, { error: 'invalid_request' }, 'upstream_rejected'],
    [500, { error: 'unauthorized_client' }, 'access_denied'],
    [520, { error: 'invalid_scope' }, 'scope_missing'],
    [500, { error: 'server_error' }, 'upstream_unavailable'],
    [400, { error: 'temporarily_unavailable' }, 'upstream_unavailable'],
    [401, { error: 'temporarily_unavailable' }, 'upstream_unavailable'],
    [504, { error: 'invalid_client' }, 'upstream_unavailable'],
    [200, { error: 'invalid_client' }, 'client_rejected'],
    [200, { error: 'invalid_grant' }, 'needs_reauth'],
    [200, { error: 'invalid_grant', access_token: null }, 'needs_reauth'],
    [200, { error: 'temporarily_unavailable' }, 'upstream_unavailable'],
    [200, { error: 'server_error' }, 'upstream_unavailable'],
    [200, { error: 'bad_verification_code' }, 'upstream_rejected'],
    [200, { error: 7 }, 'upstream_garbled'],
    [200, {}, 'upstream_garbled'],
    [503, { error: 'invalid_client' }, 'upstream_unavailable'],
    [503, { error: 'invalid_grant' }, 'upstream_unavailable'],
  ])('a refusal %i %j is %s', async (status, body, code) => {
    const given = { ...read('oauth/client-credentials.json'), answer: { status, headers: {}, body } }
    expect((await factsOf(asks(given))).code).toBe(code)
  })
})

describe('guest tokens on the wire', () => {
  const bearing: Policy = (next) => (call) => next({ ...call, bearer: new Secret(ACCESS) })
  const provider = (answer: HttpAnswer, sent: HttpRequest[]) => {
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      sent.push(request)
      return answer
    }
    return guestTokenCalls({
      connection: 'default',
      api: 'https://api.example.com',
      network: { http, clock: fakeClock() },
      policyFor: () => bearing,
    })
  }
  const fixtures = names('guest-tokens')
    .map((name) => [name, read(name)] as const)
    .filter(([, { request }]) => request.path.endsWith('/generate-token'))

  it('has exchanges to replay', () => {
    expect(fixtures.length).toBeGreaterThan(3)
  })

  it.each(fixtures)('%s', async (_, given) => {
    const sent: HttpRequest[] = []
    const { expirationDurationSeconds, ...rest } = given.request.body ?? {}
    const wanted = { ...rest, durationSeconds: expirationDurationSeconds } as MintRequest
    const asked = provider(answerOf(given.answer), sent).mint(wanted, { onSend() {} })
    if (given.answer.status === 200) {
      const granted = await asked
      expect(granted.access.reveal()).toBe(samples['jwt'])
      expect(granted).toMatchObject({ status: 200 })
    } else {
      const facts = await factsOf(asked)
      const { code } = given.answer.body as { code: string }
      expect(facts.upstream).toEqual({ status: given.answer.status, code, requestId: samples['uuid'] })
      expect(facts.code).toBe(
        { 400: 'upstream_rejected', 403: 'access_denied', 429: 'upstream_busy' }[given.answer.status],
      )
      if (given.answer.status === 429) expect(facts.retryAfterMs).toBe(7_000)
      if (given.answer.status === 403) expect(facts.message).toContain('webmessaging:guest:create')
    }
    expect(sent).toHaveLength(1)
    expectSame(sent[0] as HttpRequest, given.request)
  })

  const refreshes = names('guest-tokens')
    .map((name) => [name, read(name)] as const)
    .filter(([, { request }]) => request.path.endsWith('/refresh'))

  it.each(refreshes)('%s', async (_, given) => {
    const sent: HttpRequest[] = []
    const guestTokenId = given.request.path.split('/').at(-2) ?? ''
    const idempotencyKey = given.request.headers['idempotency-key'] ?? ''
    const asked = provider(answerOf(given.answer), sent).refresh({ guestTokenId, idempotencyKey }, { onSend() {} })
    if (given.answer.status === 200) {
      const refreshed = await asked
      expect(refreshed.access.reveal()).toBe(samples['jwt'])
      expect(refreshed).toMatchObject({ status: 200, guestTokenId })
    } else {
      const facts = await factsOf(asked)
      expect(facts).toMatchObject({ code: 'refresh_impossible', upstream: { status: given.answer.status } })
      expect(facts.message).toContain(samples['text'])
    }
    expect(sent).toHaveLength(1)
    // The library never gives a reason; a request that does shows only what its answer looks like.
    expectSame(sent[0] as HttpRequest, { ...given.request, body: {} })
  })

  it('a refresh that is still running may be asked for again, one that is forbidden names the scope', async () => {
    const refused = (status: number) =>
      factsOf(provider(json(status, {}), []).refresh({ guestTokenId: 'g', idempotencyKey: 'k' }, { onSend() {} }))
    expect(await refused(409)).toMatchObject({ code: 'upstream_busy', again: true })
    expect((await refused(403)).message).toContain('webmessaging:guesttoken:write')
    expect((await refused(404)).code).toBe('refresh_impossible')
  })

  it('tells when the request is sent, for every try anew', async () => {
    let sent = 0
    const refusing = provider(json(500, {}), [])
    await refusing
      .mint({ guestId: 'g', durationSeconds: 1, scopes: [] }, { onSend: () => void (sent += 1) })
      .catch(() => {})
    expect(sent).toBe(1)
  })

  it.each([[{}], [{ token: '' }], [{ token: 7 }], [{ guestToken: 'a' }]])(
    'an answer %j makes no sense',
    async (body) => {
      const asked = provider(json(200, body), []).mint(
        { guestId: 'g', durationSeconds: 1, scopes: [] },
        { onSend() {} },
      )
      expect((await factsOf(asked)).code).toBe('upstream_garbled')
    },
  )
})
