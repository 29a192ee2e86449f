import { describe, expect, it } from 'vitest'
import { openCall, TryFailure, type TryFacts } from '../../../src/policy/pipeline.ts'
import { Secret } from '../../../src/domain/secret.ts'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { sendAndRead } from '../../../src/upstream/answer.ts'
import { type OAuthClient, authenticateBySecret } from '../../../src/upstream/oauth/client.ts'
import {
  clientCredentialsRequest,
  explainToken,
  grantedOf,
  tokenAnswer,
  tokenReading,
} from '../../../src/upstream/oauth/wire.ts'
import { answerOf, type Exchange, expectSame, names, read, samples, values } from '../wire-fixtures.ts'

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
    const http = async (one: HttpRequest) => {
      one.onSend?.()
      sent.push(one)
      return answerOf(given.answer)
    }
    const call = openCall({ connection: 'default', operation: 'token', rateLimitKey: 'token', repeatable: true })
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
      const { body: answered, receipt } = await asks(given({ access_token: 'a', ...body }))
      return grantedOf(answered, receipt)
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

  it('the Date header of an answer gives the time of the issuer', async () => {
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
