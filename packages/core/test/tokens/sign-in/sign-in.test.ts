import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../../src/connection/connection.ts'
import { grantIn } from '../../../src/domain/credential.ts'
import { MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../../src/ports/http.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { json, jwt } from '../../world/fake-upstream.ts'
import { refusal, type World, world } from '../../world/world.ts'

type Answer = (form: URLSearchParams, request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>

const REDIRECT = 'http://127.0.0.1:8976/callback'
const lost: Answer = () => {
  throw new HttpFault('lost', 'socket hang up')
}
const granted =
  (more: object = {}): Answer =>
  () =>
    json(200, { access_token: 'opaque', refresh_token: 'refresh', expires_in: 3_600, scope: 'guest:write', ...more })
const refused =
  (error: string): Answer =>
  () =>
    json(400, { error })
const ada = { id: 'ada', organization: { id: 'acme' } }

/** An upstream where users sign in, and a process of the connection that they sign in to. */
async function upstream(more: Partial<ConnectionOptions> = {}, store?: (of: World) => Store) {
  const here = world()
  const asked = { token: [] as string[], device: 0, me: [] as string[] }
  const answers: { token: Answer[]; device: object; me: Answer } = {
    token: [],
    device: {},
    me: () => json(200, ada),
  }
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.onSend?.()
    const { pathname, search } = new URL(request.url)
    const form = new URLSearchParams(request.body ?? '')
    if (pathname.endsWith('/token')) {
      asked.token.push(form.get('grant_type') ?? '')
      return (answers.token.shift() ?? granted())(form, request)
    }
    if (pathname.endsWith('/users/me')) {
      asked.me.push(search + request.headers['authorization'])
      return answers.me(form, request)
    }
    asked.device += 1
    return json(200, {
      device_code: 'device',
      user_code: 'AB-CD',
      verification_uri: 'https://login.example.com/device',
      expires_in: 600,
      interval: 5,
      ...answers.device,
    })
  }
  const process = await here.process(
    { scopes: ['guest:write'], ...more },
    { http, ...(store ? { store: store(here) } : {}) },
  )
  const { signIn } = process
  const types = async (): Promise<readonly string[]> => (await here.events()).map(({ type }) => type)
  const back = async (scopes?: readonly string[]) => {
    const { url } = await signIn.begin({ redirectUri: REDIRECT, ...(scopes ? { scopes } : {}) })
    const sent = new URL(url).searchParams
    return { sent, query: new URLSearchParams({ code: 'code', state: sent.get('state') ?? '' }) }
  }
  const pins = async () => {
    const grant = grantIn(await here.store.find('default', 'grant'))
    return [grant?.request?.user, grant?.request?.organization]
  }
  return { ...here, ...process, asked, answers, types, back, pins }
}

describe('a sign-in whose tokens do not say who signed in', () => {
  it('asks upstream, and binds the connection to the user and the organisation', async () => {
    const here = await upstream()
    expect(await here.signIn.complete((await here.back()).query)).toMatchObject({ user: 'ada', organization: 'acme' })
    expect(here.asked.me).toEqual(['?expand=organizationBearer opaque'])
    here.answers.me = () => json(200, { id: 'bob', organization: { id: 'acme' } })
    expect(await refusal(here.signIn.complete((await here.back()).query))).toMatchObject({ reason: 'identity' })
    expect(await here.pins()).toEqual(['ada', 'acme'])
  })

  it('is accepted without a user if the upstream does not name one, and the event says so', async () => {
    const here = await upstream()
    here.answers.me = () => json(403, { code: 'missing.any.permissions', message: 'No.' })
    const { user, renewable } = await here.signIn.complete((await here.back()).query)
    expect([user, renewable, await here.pins()]).toEqual([undefined, true, [undefined, undefined]])
    expect((await here.events()).at(-1)).toMatchObject({ type: 'SIGN_IN_COMPLETED', data: { identified: false } })
  })

  it('is refused if the upstream does not name the user and the connection belongs to one', async () => {
    const here = await upstream()
    await here.signIn.complete((await here.back()).query)
    here.answers.me = () => json(403, {})
    const error = await refusal(here.signIn.complete((await here.back()).query))
    expect(error).toMatchObject({ code: 'sign_in_refused', reason: 'identity' })
    expect(error.message).toMatch(/users:readonly/)
    expect((await here.accessTokens.token()).generation).toBe(1)
  })

  it('does not ask where an ID token says it', async () => {
    const here = await upstream()
    const { query, sent } = await here.back(['guest:write', 'openid'])
    const claims = { sub: 'eve', aud: 'client', nonce: sent.get('nonce'), exp: here.clock.wall() / SECOND + 60 }
    here.answers.token = [granted({ id_token: jwt(claims) })]
    expect(await here.signIn.complete(query)).toMatchObject({ user: 'eve' })
    expect(here.asked.me).toEqual([])
  })
})

describe('the code of a sign-in', () => {
  it.each([
    ['429', () => json(429, {}, { 'retry-after': '1' })],
    ['503', () => json(503, {})],
    ['502', () => json(502, {})],
  ])('is sent once, also when upstream answers %s: begin a new one', async (_status, answer) => {
    const here = await upstream({ policy: { retry: { retries: 3 } } })
    here.answers.token = [answer]
    const ended = refusal(here.signIn.complete((await here.back()).query))
    await here.clock.advance(MINUTE)
    expect((await ended).message).toMatch(/begin a new/i)
    expect(here.asked.token).toEqual(['authorization_code'])
  })

  it('is refused with the time at which upstream takes a new one', async () => {
    const here = await upstream({ policy: { deadlineMs: SECOND } })
    here.answers.token = [() => json(429, {}, { 'retry-after': '30' })]
    const error = await refusal(here.signIn.complete((await here.back()).query))
    expect(error).toMatchObject({ code: 'upstream_busy', retryAt: expect.any(Number) })
  })

  it('is not used up while the keys that its token needs cannot be had', async () => {
    const here = await upstream({ accessTokenFormat: 'jwt', publicKey: undefined } as never)
    const { query } = await here.back()
    expect(await refusal(here.signIn.complete(query))).toMatchObject({ code: 'keys_unavailable' })
    expect(here.asked.token).toEqual([])
  })

  it('brings tokens that a busy store gets in the end', async () => {
    let busy = 3
    const here = await upstream({}, ({ store }) => ({
      ...store,
      commit: (change) =>
        change.writes?.length && (busy -= 1) >= 0
          ? Promise.reject(new GuestpassError('store_busy', 'The store is busy.'))
          : store.commit(change),
    }))
    const done = here.signIn.complete((await here.back()).query)
    await here.clock.advance(10 * SECOND)
    expect(await done).toMatchObject({ generation: 1 })
  })
})

it.each(['/callback', 'http://example.com/callback', 'https://user:pw@example.com/', 'https://example.com/#x', ''])(
  'a redirect address that is not safe begins no sign-in: %s',
  async (redirectUri) => {
    const here = await upstream()
    expect(await refusal(here.signIn.begin({ redirectUri }))).toMatchObject({
      code: 'invalid_input',
      fields: [{ field: 'redirectUri', remedy: expect.stringContaining('http://127.0.0.1:3000/callback') }],
    })
  },
)

describe('a callback that is refused', () => {
  it.each([
    ['in another browser', 'browser', async () => {}],
    ['too late', 'expired', async (here: World) => here.clock.advance(10 * MINUTE)],
  ])('%s is recorded in the log', async (_name, reason, first) => {
    const here = await upstream()
    const { url } = await here.signIn.begin({ redirectUri: REDIRECT, browser: 'cookie' })
    await first(here)
    const query = new URLSearchParams({ code: 'code', state: new URL(url).searchParams.get('state') ?? '' })
    expect(await refusal(here.signIn.complete(query, 'another'))).toMatchObject({ reason })
    const [started, failed] = await here.events()
    expect(failed).toMatchObject({ type: 'SIGN_IN_FAILED', correlationId: started?.correlationId })
  })

  it('because another code came before is recorded in the log, an unknown state is not', async () => {
    const here = await upstream()
    const { query } = await here.back()
    await here.signIn.complete(query)
    query.set('code', 'another')
    expect(await refusal(here.signIn.complete(query))).toMatchObject({ reason: 'replayed' })
    query.set('state', 'made-up')
    expect(await refusal(here.signIn.complete(query))).toMatchObject({ reason: 'state' })
    expect(await here.types()).toEqual(['SIGN_IN_STARTED', 'SIGN_IN_COMPLETED', 'SIGN_IN_FAILED'])
  })
})

describe('the nonce', () => {
  const idToken = (here: World, more: object) =>
    granted({ id_token: jwt({ sub: 'ada', aud: 'client', exp: here.clock.wall() / SECOND + 60, ...more }) })

  it('is sent and demanded where an ID token is asked for', async () => {
    const here = await upstream()
    const { query, sent } = await here.back(['openid'])
    expect(sent.get('nonce')).toMatch(/^[\w-]{43}$/)
    here.answers.token = [idToken(here, { nonce: 'another' })]
    expect(await refusal(here.signIn.complete(query))).toMatchObject({ reason: 'nonce' })
  })

  it('is not demanded of an ID token that was not requested', async () => {
    const here = await upstream()
    const { query, sent } = await here.back()
    expect(sent.has('nonce')).toBe(false)
    here.answers.token = [idToken(here, {})]
    expect(await here.signIn.complete(query)).toMatchObject({ user: 'ada' })
  })
})

describe('a sign-in on another device', () => {
  const begin = async (answers: readonly Answer[], device: object = {}) => {
    const here = await upstream()
    here.answers.token = [...answers]
    here.answers.device = device
    const ended = here.deviceSignIn.run({ show: () => {} }).then(
      (signedIn) => signedIn,
      (error: GuestpassError) => error,
    )
    await settle()
    return { ...here, ended }
  }
  const pending = refused('authorization_pending')

  it.each([
    ['a lost answer', lost],
    ['a bare 502', () => json(502, {})],
    ['a 503', () => json(503, {})],
  ] as [string, Answer][])('goes on after %s, more slowly', async (_name, trouble) => {
    const here = await begin([pending, trouble, pending])
    await here.clock.advance(10 * SECOND)
    expect(here.asked.token).toHaveLength(2)
    await here.clock.advance(9 * SECOND)
    expect(here.asked.token).toHaveLength(2)
    await here.clock.advance(15 * SECOND)
    expect(await here.ended).toMatchObject({ generation: 1, renewable: true })
  })

  it('says that the tokens may have been lost when upstream gives nothing more after a lost answer', async () => {
    const here = await begin([lost, refused('invalid_grant')])
    await here.clock.advance(MINUTE)
    expect(await here.ended).toMatchObject({ code: 'in_doubt', message: expect.stringContaining('Begin a new') })
  })

  it('does not say so when the upstream said meanwhile that the user had not decided', async () => {
    const here = await begin([lost, pending, refused('expired_token')])
    await here.clock.advance(MINUTE)
    expect(await here.ended).toMatchObject({ code: 'sign_in_refused' })
  })

  it('asks once a second at most, whatever interval upstream names', async () => {
    const here = await begin(
      Array.from({ length: 20 }, () => pending),
      { interval: 0 },
    )
    await here.clock.advance(10 * SECOND)
    expect(here.asked.token.length).toBeLessThanOrEqual(10)
    await here.clock.advance(MINUTE)
    expect(await here.ended).toMatchObject({ generation: 1 })
  })
})
