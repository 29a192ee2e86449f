import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { settle } from '../../../src/testing/index.ts'
import { granted, held, json } from '../../world/fake-upstream.ts'
import { outcome, refusal, type World, world } from '../../world/world.ts'

const MANDATORY = HOUR - MINUTE
const ADVISORY = HOUR - 5 * MINUTE

/** Two processes on one store. */
async function two(here: World = world()) {
  const [one, other] = [await here.process(), await here.process()]
  return {
    ...here,
    one: one.accessTokens,
    other: other.accessTokens,
    requests: () => here.upstream.asked.token.length,
  }
}

/** A process that takes the lease, sends its request and is never heard of again, unless it is let go. */
async function dying(here: World) {
  const late = held(() => granted(99))
  const never = { ...here.clock, sleep: () => new Promise<void>(() => {}) }
  const dead = await here.process(
    {},
    { clock: never, http: async () => late.answering({} as never, new AbortController().signal) },
  )
  return { asked: outcome(dead.accessTokens.token()), release: late.release }
}

describe('callers of one process', () => {
  it('look into the store together at an expiry, not each for himself', async () => {
    const here = world()
    let finds = 0
    const store = {
      ...here.store,
      find: (...of: Parameters<typeof here.store.find>) => ((finds += 1), here.store.find(...of)),
    }
    const { accessTokens } = await here.process({}, { store })
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => outcome(accessTokens.token())))
    expect(new Set(answers)).toEqual(new Set(['test-secret-token-1']))
    expect(finds).toBeLessThan(10)
  })

  it('that come after a refusal do not get what was fetched before it', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    const first = await accessTokens.token()
    await here.clock.advance(ADVISORY)
    const before = accessTokens.token()
    accessTokens.reportRejected(first.token)
    const after = accessTokens.token()
    await here.clock.advance(SECOND)
    await before
    expect((await after).token.reveal()).not.toBe(first.token.reveal())
  })
})

describe('processes that share a store', () => {
  it('make one request for all their callers, at every expiry', async () => {
    const { one, other, clock, requests } = await two()
    const callers = Array.from({ length: 100 }, (_, nth) => outcome((nth % 2 === 0 ? one : other).token()))
    await clock.advance(SECOND)
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['test-secret-token-1']))
    await clock.advance(2 * HOUR)
    const second = [outcome(one.token()), outcome(other.token())]
    await clock.advance(SECOND)
    expect(await Promise.all(second)).toEqual(['test-secret-token-2', 'test-secret-token-2'])
    expect(requests()).toBe(2)
  })

  it('wait for a slow renewal of another for as long as it takes, because its lease is prolonged', async () => {
    const { one, other, clock, upstream, requests } = await two()
    const slow = held(() => granted(1))
    upstream.token = slow.answering
    const asked = [outcome(one.token()), outcome(other.token())]
    for (let second = 0; second < 9; second += 1) await clock.advance(SECOND)
    expect(requests()).toBe(1)
    slow.release()
    await clock.advance(SECOND)
    expect(await Promise.all(asked)).toEqual(['test-secret-token-1', 'test-secret-token-1'])
  })

  it('do so beyond the length of a lease', async () => {
    const here = world()
    const { one, other, clock, upstream, requests } = {
      ...(await two(here)),
      one: (await here.process({ policy: { timeoutMs: MINUTE, deadlineMs: MINUTE } })).accessTokens,
    }
    const slow = held(() => granted(1))
    upstream.token = slow.answering
    const first = outcome(one.token())
    await settle()
    const second = outcome(other.token())
    await clock.advance(35 * SECOND)
    expect(requests()).toBe(1)
    slow.release()
    await clock.advance(SECOND)
    expect([await first, await second]).toEqual(['test-secret-token-1', 'test-secret-token-1'])
  })

  it('go on by themselves when the one that renews has died, once its lease has ended', async () => {
    const here = world()
    await dying(here)
    await settle()
    const { accessTokens } = await here.process()
    const asked = outcome(accessTokens.token())
    await here.clock.advance(5 * SECOND - 1)
    expect(here.upstream.asked.token).toHaveLength(0)
    await here.clock.advance(SECOND)
    expect(await asked).toBe('test-secret-token-1')
    expect(here.upstream.asked.token).toHaveLength(1)
  })

  it('never overwrite each other: who comes late takes what the other stored', async () => {
    const here = world()
    const { asked, release } = await dying(here)
    await settle()
    const { accessTokens } = await here.process()
    const current = outcome(accessTokens.token())
    await here.clock.advance(11 * SECOND)
    expect(await current).toBe('test-secret-token-1')
    release()
    expect(await asked).toBe('test-secret-token-1')
    expect((await accessTokens.token()).generation).toBe(1)
  })

  it('keep what a slow one brings, though another noted a failure meanwhile', async () => {
    const here = world()
    const { asked, release } = await dying(here)
    await settle()
    here.upstream.token = () => json(503, {}, { 'retry-after': '60' })
    const failing = outcome((await here.process()).accessTokens.token())
    await here.clock.advance(11 * SECOND)
    expect(await failing).toBe('upstream_unavailable')
    release()
    expect(await asked).toBe('test-secret-token-99')
    expect(await outcome((await here.process()).accessTokens.token())).toBe('test-secret-token-99')
  })

  it('never wait in the advisory window for the one that renews', async () => {
    const { one, other, clock, upstream, requests } = await two()
    await one.token()
    await other.token()
    await clock.advance(ADVISORY)
    const next = held(() => granted(2))
    upstream.token = next.answering
    expect([await outcome(one.token()), await outcome(other.token())]).toEqual([
      'test-secret-token-1',
      'test-secret-token-1',
    ])
    await settle()
    expect(await outcome(other.token())).toBe('test-secret-token-1')
    expect(requests()).toBe(2)
    next.release()
    await settle()
    expect(await outcome(other.token())).toBe('test-secret-token-2')
  })

  it('remember for each other that a renewal failed, and until when', async () => {
    const { one, other, clock, upstream, requests } = await two()
    upstream.token = () => json(503, {}, { 'retry-after': '60' })
    await refusal(one.token())
    const remembered = await refusal(other.token())
    expect(remembered).toMatchObject({ code: 'upstream_unavailable', retryAt: clock.wall() + MINUTE })
    await clock.advance(MINUTE - 1)
    await refusal(other.token())
    expect(requests()).toBe(1)
    upstream.token = () => granted(1)
    await clock.advance(1)
    expect(await outcome(other.token())).toBe('test-secret-token-1')
  })

  it('serve a token to its end while the back-off of another lasts', async () => {
    const { one, other, clock, upstream, requests } = await two()
    await one.token()
    await clock.advance(MANDATORY)
    upstream.token = () => json(503, {}, { 'retry-after': '3600' })
    expect(await outcome(one.token())).toBe('test-secret-token-1')
    expect(await outcome(other.token())).toBe('test-secret-token-1')
    await clock.advance(MINUTE)
    expect(await outcome(other.token())).toBe('upstream_unavailable')
    expect(requests()).toBe(2)
  })

  it('have nothing to do with those of another connection, client or scope', async () => {
    const here = world()
    const processes = [
      await here.process(),
      await here.process({ name: 'other' }),
      await here.process({ client: { id: 'other' } }),
      await here.process({ scopes: ['webmessaging:guest:create'] }),
      await here.process({ scopes: ['webmessaging:guesttoken:write', 'webmessaging:guest:create'] }),
      await here.process({ scopes: ['webmessaging:guest:create', 'webmessaging:guesttoken:write'] }),
    ]
    const tokens: string[] = []
    for (const { accessTokens } of processes) tokens.push(await outcome(accessTokens.token()))
    expect(tokens.map((token) => token.slice(-1))).toEqual(['1', '2', '3', '4', '5', '5'])
  })

  it('keep the lease no longer than the renewal', async () => {
    const { one, clock, store } = await two()
    await one.token()
    expect(clock.sleeping).toBe(0)
    const { credentials } = await store.list('default', { kind: 'access', limit: 1 })
    expect((await store.lease('default', `renew:${credentials[0]?.id}`, 'another-holder', 1)).granted).toBe(true)
  })

  it('release the lease also when the renewal fails', async () => {
    const { one, clock, upstream, other } = await two()
    upstream.token = () => json(400, { error: 'invalid_scope' })
    expect(await outcome(one.token())).toBe('scope_missing')
    expect(clock.sleeping).toBe(0)
    upstream.token = () => granted(2)
    expect(await outcome(other.token())).toBe('test-secret-token-2')
  })
})

describe('a token that its resource rejected', () => {
  const reported = async () => {
    const here = await two()
    const first = (await here.one.token()).token
    return { ...here, first, again: (token: Secret) => here.one.reportRejected(token) }
  }

  it('is replaced, once for all callers', async () => {
    const { one, first, again, requests } = await reported()
    again(first)
    const all = await Promise.all(Array.from({ length: 20 }, () => outcome(one.token())))
    expect(new Set(all)).toEqual(new Set(['test-secret-token-2']))
    expect(requests()).toBe(2)
  })

  it('is not replaced twice when it is reported late', async () => {
    const { one, first, again, requests } = await reported()
    again(first)
    await one.token()
    again(first)
    again(first)
    expect(await outcome(one.token())).toBe('test-secret-token-2')
    expect(requests()).toBe(2)
  })

  it('is not replaced when it is another than the current one', async () => {
    const { one, other, again, requests } = await reported()
    again(new Secret('test-secret-token-0'))
    again(new Secret(''))
    expect(await outcome(one.token())).toBe('test-secret-token-1')
    expect(await outcome(other.token())).toBe('test-secret-token-1')
    expect(requests()).toBe(1)
  })

  it('is replaced by what another process already has', async () => {
    const { one, other, first, again, requests } = await reported()
    const same = (await other.token()).token
    other.reportRejected(same)
    expect(await outcome(other.token())).toBe('test-secret-token-2')
    again(first)
    expect(await outcome(one.token())).toBe('test-secret-token-2')
    expect(requests()).toBe(2)
  })

  it('is never served again, not even as a stale one', async () => {
    const { one, first, again, upstream } = await reported()
    upstream.token = () => json(503, {})
    again(first)
    expect(await outcome(one.token())).toBe('upstream_unavailable')
    expect(await outcome(one.token())).toBe('upstream_unavailable')
  })

  it('is not what a caller gets who joined those for whom it was still good', async () => {
    const here = world()
    let answerLease = (): void => {}
    const gate = new Promise<void>((resolve) => (answerLease = resolve))
    let slow = false
    const store = {
      ...here.store,
      lease: async (...args: Parameters<typeof here.store.lease>) => {
        if (slow) await gate
        return here.store.lease(...args)
      },
    }
    const { accessTokens } = await here.process({}, { store })
    const { token } = await accessTokens.token()
    await here.clock.advance(ADVISORY)
    const { credentials } = await here.store.list('default', { kind: 'access', limit: 1 })
    await here.store.lease('default', `renew:${credentials[0]?.id}`, 'another-holder', 10 * SECOND)
    slow = true
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-1')
    accessTokens.reportRejected(token)
    const after = outcome(accessTokens.token())
    await settle()
    answerLease()
    await here.clock.advance(11 * SECOND)
    expect(await after).toBe('test-secret-token-2')
  })

  it('is replaced also while a renewal of it runs behind the callers', async () => {
    const { one, first, again, clock, upstream } = await reported()
    await clock.advance(ADVISORY)
    const failing = held(() => json(503, {}))
    upstream.token = failing.answering
    await one.token()
    again(first)
    const waiting = outcome(one.token())
    await settle()
    failing.release()
    expect(await waiting).toBe('upstream_unavailable')
  })
})
