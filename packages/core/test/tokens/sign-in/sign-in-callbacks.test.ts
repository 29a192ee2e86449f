import { describe, expect, it } from 'vitest'
import type { Connection, ConnectionPorts } from '../../../src/connection/connection.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../../src/ports/http.ts'
import { settle } from '../../../src/testing/index.ts'
import { json } from '../../world/fake-upstream.ts'
import { refusal, world } from '../../world/world.ts'

const REDIRECT = 'http://127.0.0.1:8976/callback'
const tokens = { access_token: 'opaque', refresh_token: 'refresh', expires_in: 3_600 }

/** An upstream whose token endpoint answers when a test lets it. */
function signingIn() {
  const here = world()
  const exchanges: { readonly answer: (one: HttpAnswer | Error) => void }[] = []
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    if (!request.url.endsWith('/token')) return json(403, {})
    request.onSend?.()
    return new Promise((resolve, reject) => {
      exchanges.push({ answer: (one) => (one instanceof Error ? reject(one) : resolve(one)) })
    })
  }
  const process = (ports: Partial<ConnectionPorts> = {}, retries = 0): Promise<Connection> =>
    here.process({ scopes: ['guest:write'], policy: { retry: { retries } } }, { http, ...ports })
  const begun = async ({ signIn }: Connection, browser?: string): Promise<URLSearchParams> => {
    const { url } = await signIn.begin({ redirectUri: REDIRECT, ...(browser === undefined ? {} : { browser }) })
    return new URLSearchParams({ code: 'code', state: new URL(url).searchParams.get('state') ?? '' })
  }
  const types = async (): Promise<readonly string[]> => (await here.events()).map(({ type }) => type)
  return { ...here, process, exchanges, begun, types }
}

describe('a callback that comes again', () => {
  it.each([
    ['in the same process', false],
    ['in another process', true],
  ])('while the code is exchanged gets the answer of the first one: %s', async (_where, apart) => {
    const { process, begun, exchanges, clock, types } = signingIn()
    const one = await process()
    const other = apart ? await process() : one
    const query = await begun(one)
    const first = one.signIn.complete(query)
    await settle()
    const second = other.signIn.complete(query)
    await clock.advance(SECOND)
    exchanges[0]?.answer(json(200, tokens))
    await clock.advance(3 * SECOND)
    expect(await second).toEqual(await first)
    expect([exchanges.length, await types()]).toEqual([1, ['SIGN_IN_STARTED', 'SIGN_IN_COMPLETED']])
  })

  it.each([
    ['in the same process', false],
    ['in another process', true],
  ])('after the sign-in gets the same answer, or the same error, and nothing is sent: %s', async (_where, apart) => {
    const { process, begun, exchanges, clock, types } = signingIn()
    const one = await process()
    const other = apart ? await process() : one
    for (const answer of [json(200, tokens), json(400, { error: 'invalid_grant' }), new HttpFault('lost', 'reset')]) {
      const query = await begun(one)
      const ended = one.signIn.complete(query).catch((error: GuestpassError) => error.toProblem())
      await settle()
      exchanges.at(-1)?.answer(answer)
      const first = await ended
      await clock.advance(MINUTE)
      expect(await other.signIn.complete(query).catch((error: GuestpassError) => error.toProblem())).toEqual(first)
    }
    expect([exchanges.length, (await types()).filter((type) => type === 'SIGN_IN_FAILED').length]).toEqual([3, 2])
  })

  it('gets the refusal that the user gave, and nothing is sent', async () => {
    const { process, begun, exchanges } = signingIn()
    const { signIn } = await process()
    const query = await begun(await process())
    query.delete('code')
    query.set('error', 'access_denied')
    for (let time = 0; time < 2; time += 1)
      expect(await refusal(signIn.complete(query))).toMatchObject({ code: 'sign_in_denied' })
    expect(exchanges).toEqual([])
  })

  it('in another browser, or with another code, is refused, also when the sign-in is done', async () => {
    const { process, begun, exchanges } = signingIn()
    const here = await process()
    const query = await begun(here, 'cookie')
    const first = here.signIn.complete(query, 'cookie')
    await settle()
    const other = new URLSearchParams({ code: 'another', state: query.get('state') ?? '' })
    const refusals = async () => [
      (await refusal(here.signIn.complete(query, 'another'))).reason,
      (await refusal(here.signIn.complete(query))).reason,
      (await refusal(here.signIn.complete(other, 'cookie'))).reason,
    ]
    expect(await refusals()).toEqual(['browser', 'browser', 'replayed'])
    exchanges[0]?.answer(json(200, tokens))
    await first
    expect(await refusals()).toEqual(['browser', 'browser', 'replayed'])
    expect(exchanges).toHaveLength(1)
  })

  it('after the ten minutes of its state is refused', async () => {
    const { process, begun, exchanges, clock } = signingIn()
    const here = await process()
    const query = await begun(here)
    const first = here.signIn.complete(query)
    await settle()
    exchanges[0]?.answer(json(200, tokens))
    await first
    await clock.advance(10 * MINUTE)
    expect(await refusal(here.signIn.complete(query))).toMatchObject({ reason: 'replayed' })
  })

  it('waits until the state ends for a process that was killed, and is in doubt then', async () => {
    const { process, begun, store, exchanges, clock } = signingIn()
    const isDead = { value: false }
    const commit: typeof store.commit = (change) => (isDead.value ? new Promise(() => {}) : store.commit(change))
    const dead = await process({ store: { ...store, commit } })
    const query = await begun(dead)
    void dead.signIn.complete(query).catch(() => {})
    await settle()
    isDead.value = true
    const other = await process()
    const ended = refusal(other.signIn.complete(query, undefined, { patienceMs: HOUR }))
    await clock.advance(9 * MINUTE)
    expect((await store.find('default', 'grant')).credential).toBeUndefined()
    await clock.advance(MINUTE)
    expect(await ended).toMatchObject({ code: 'in_doubt' })
    expect(exchanges).toHaveLength(1)
  })
})

describe('the caller of a callback', () => {
  it.each([
    ['runs out of patience', 'deadline_exceeded'],
    ['gives up', 'cancelled'],
  ])('that %s takes nothing from the sign-in, and hears its end when it asks again', async (_how, code) => {
    const { process, begun, exchanges, clock } = signingIn()
    const { signIn } = await process()
    const query = await begun(await process())
    const stop = new AbortController()
    const patience = code === 'cancelled' ? { signal: stop.signal } : { patienceMs: SECOND }
    const ended = signIn.complete(query, undefined, patience).catch((error: Error) => error)
    await clock.advance(SECOND)
    stop.abort()
    const error = await ended
    expect(error).toMatchObject(code === 'cancelled' ? { name: 'AbortError' } : { code })
    exchanges[0]?.answer(json(200, tokens))
    expect(await signIn.complete(query)).toMatchObject({ generation: 1 })
    expect(exchanges).toHaveLength(1)
  })

  it('is named in the events, with its own id', async () => {
    const { process, begun, exchanges, events } = signingIn()
    const here = await process()
    const query = await begun(here)
    const first = here.signIn.complete(query, undefined, { actor: 'shop', correlationId: 'request-1' })
    await settle()
    exchanges[0]?.answer(json(200, tokens))
    await first
    await here.signOut({ actor: 'clerk', correlationId: 'request-2' })
    expect((await events()).map(({ actor, correlationId }) => [actor, correlationId])).toEqual([
      ['library', expect.stringMatching(/^[\da-f-]{36}$/)],
      ['shop', 'request-1'],
      ['clerk', 'request-2'],
    ])
  })
})

describe('a process that slept between taking a sign-in and sending its code', () => {
  it('past the end of the state sends nothing, and says so', async () => {
    const here = signingIn()
    const sent: string[] = []
    const http = async (request: HttpRequest): Promise<HttpAnswer> => {
      here.clock.stepWall(11 * MINUTE)
      request.onSend?.()
      sent.push(request.url)
      return json(200, tokens)
    }
    const { signIn, ...process } = await here.process({ http })
    const query = await here.begun({ signIn, ...process })
    expect(await refusal(signIn.complete(query))).toMatchObject({ code: 'sign_in_refused', reason: 'expired' })
    expect(sent).toEqual([])
  })

  it.each([2 * MINUTE, 24 * 60 * MINUTE])(
    'does not last longer when the clock that began it was %i ms ahead',
    async (ms) => {
      const here = signingIn()
      here.clock.stepWall(ms)
      const query = await here.begun(await here.process())
      here.clock.stepWall(-ms)
      const { signIn } = await here.process()
      expect(await refusal(signIn.complete(query))).toMatchObject({ code: 'sign_in_refused', reason: 'state' })
      expect(here.exchanges).toEqual([])
    },
  )

  it('sends nothing either when a first try never left and the state ended meanwhile', async () => {
    const here = signingIn()
    let tries = 0
    const http = async (): Promise<HttpAnswer> => {
      tries += 1
      here.clock.stepWall(11 * MINUTE)
      throw new HttpFault('unsent', 'connection refused')
    }
    const { signIn, ...process } = await here.process({ http }, 3)
    const query = await here.begun({ signIn, ...process })
    const ended = refusal(signIn.complete(query))
    await here.clock.advance(MINUTE)
    expect(await ended).toMatchObject({ code: 'sign_in_refused', reason: 'expired' })
    expect(tries).toBe(1)
  })
})

describe('a store without room', () => {
  it('costs no code: nothing is sent, and the same callback works when there is room', async () => {
    const { process, begun, exchanges, store } = signingIn()
    let full = true
    const ensureRoom = async (): Promise<void> => {
      if (full) throw new GuestpassError('store_unavailable', 'The store has no room.')
    }
    const { signIn } = await process({ store: { ...store, ensureRoom } })
    const query = await begun(await process())
    expect(await refusal(signIn.complete(query))).toMatchObject({ code: 'store_unavailable' })
    expect(exchanges).toEqual([])
    full = false
    const again = signIn.complete(query)
    await settle()
    exchanges[0]?.answer(json(200, tokens))
    expect(await again).toMatchObject({ generation: 1 })
  })
})
