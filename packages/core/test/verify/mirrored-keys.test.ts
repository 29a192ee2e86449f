import { afterEach, describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import type { GuestpassError } from '../../src/domain/errors.ts'
import { type FakeClock, fakeClock, seededRandom, settle } from '../../src/testing/index.ts'
import {
  type MirroredKeys,
  type MirroredKeysOptions as MirrorOptions,
  mirroredKeys,
} from '../../src/verify/mirrored-keys.ts'
import { type FakeIssuer, fakeIssuer, type Trouble } from './fake-issuer.ts'
import { checker, claims, ecPair, named, outcome, platforms, rsaPair, token } from './material.ts'

const [[, platform]] = platforms as readonly [(typeof platforms)[0]]
const first = rsaPair()
const second = rsaPair()
const URL_OF_KEYS = 'https://login.example.com/.well-known/jwks.json?secret=s3cr3t'

interface World {
  readonly clock: FakeClock
  readonly issuer: FakeIssuer
  readonly mirror: MirroredKeys
  /** The verdict on a token of a key, by the reason. */
  readonly judge: (key?: typeof first, kid?: string) => Promise<string>
  readonly more: (options?: Partial<MirrorOptions>) => MirroredKeys
}

function world(options: Partial<MirrorOptions> = {}): World {
  const clock = fakeClock()
  const issuer = fakeIssuer(clock, [named(first, 'one')])
  const more = (others: Partial<MirrorOptions> = {}): MirroredKeys =>
    mirroredKeys({
      url: URL_OF_KEYS,
      http: issuer.http,
      clock,
      random: seededRandom(),
      maker: platform.maker,
      ...options,
      ...others,
    })
  const mirror = more()
  const verify = checker(platform, mirror, { clock })
  const judge = async (key = first, kid = 'one'): Promise<string> =>
    outcome(await verify(token(claims({ exp: clock.wall() / 1000 + 60, iat: 0 }), key, { kid })))
  return { clock, issuer, mirror, judge, more }
}

const failure = async (mirror: MirroredKeys): Promise<GuestpassError> => {
  try {
    await mirror.keys()
  } catch (error) {
    return error as GuestpassError
  }
  throw new Error('keys were had')
}

const pausesOf = ({ times }: FakeIssuer): number[] => times.slice(1).map((time, at) => time - (times[at] ?? 0))

/** Waits for work that sleeps on the fake clock. */
async function during<T>(clock: FakeClock, ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => {})
  await clock.advance(ms)
  return work
}

const running: AbortController[] = []
const started = (mirror: MirroredKeys): AbortController => {
  const control = new AbortController()
  running.push(control)
  void mirror.run(control.signal)
  return control
}
afterEach(() => {
  for (const control of running.splice(0)) control.abort()
})

describe('Mirrored keys', () => {
  it('are fetched once for all who ask at the start, and not before', async () => {
    const { issuer, judge } = world()
    expect(issuer.requests).toHaveLength(0)
    expect(await Promise.all([judge(), judge(), judge()])).toEqual(['valid', 'valid', 'valid'])
    expect(issuer.requests).toHaveLength(1)
    expect(issuer.requests[0]).toMatchObject({ method: 'GET', url: URL_OF_KEYS, headers: { accept: /json/ } })
  })

  it('are at hand without waiting once they are there', async () => {
    const { mirror } = world()
    const set = await mirror.keys()
    expect(mirror.keys()).toBe(set)
  })

  it.each([['ftp://login.example.com/keys'], ['login.example.com/keys'], ['']])('need an http URL: %j', (url) => {
    expect(() => world({ url })).toThrow(/url is .*, not an http or https URL/)
  })

  it.each(['intervalMs', 'cooldownMs', 'staleMs', 'timeoutMs'])('need a sensible %s', (name) => {
    for (const wrong of [0, -1, Number.NaN]) expect(() => world({ [name]: wrong })).toThrow(name)
  })

  describe('kept fresh in the background', () => {
    it('are asked for again within the interval, at a jittered time', async () => {
      const { clock, issuer, mirror } = world({ intervalMs: 10 * MINUTE })
      started(mirror)
      await clock.advance(2 * HOUR)
      const pauses = pausesOf(issuer)
      expect(pauses.length).toBeGreaterThan(10)
      for (const pause of pauses) {
        expect(pause).toBeGreaterThanOrEqual(7.5 * MINUTE)
        expect(pause).toBeLessThanOrEqual(10 * MINUTE)
      }
      expect(new Set(pauses).size).toBe(pauses.length)
    })

    it('are asked for by ETag and stay the same set while nothing changed', async () => {
      const { clock, issuer, mirror } = world()
      issuer.tags = true
      started(mirror)
      await clock.advance(HOUR)
      expect(issuer.requests.length).toBeGreaterThan(5)
      expect(issuer.unchanged).toBe(issuer.requests.length - 1)
      expect(mirror.keys()).toMatchObject({ generation: 1 })
    })

    it('stay the same set when they are sent again in another order and with other notes', async () => {
      const { clock, issuer, mirror } = world()
      issuer.keys = [named(first, 'one', { use: 'sig' }), named(second, 'two')]
      started(mirror)
      await clock.advance(0)
      const set = await mirror.keys()
      issuer.keys = [named(second, 'two', { x5t: 'abc' }), named(first, 'one', { key_ops: ['verify'] })]
      await clock.advance(HOUR)
      expect(await mirror.keys()).toBe(set)
    })

    it('find a new key and refuse a removed one within the interval', async () => {
      const { clock, issuer, mirror, judge } = world()
      started(mirror)
      await clock.advance(0)
      expect(await judge()).toBe('valid')
      issuer.keys = [named(second, 'two')]
      await clock.advance(10 * MINUTE)
      expect(await judge(first, 'one')).toBe('unknown_key')
      expect(await judge(second, 'two')).toBe('valid')
    })

    it('never make a token wait for a refresh', async () => {
      const { clock, issuer, mirror } = world()
      started(mirror)
      await clock.advance(0)
      const set = mirror.keys()
      issuer.delayMs = 4 * SECOND
      for (let at = 0; at < HOUR; at += SECOND) {
        await clock.advance(SECOND)
        expect(mirror.keys()).toBe(set)
      }
      expect(issuer.requests.length).toBeGreaterThan(5)
    })

    it('obey a shorter max-age, but not a longer one, and not one under the cool-down', async () => {
      for (const [cacheControl, age, least, most] of [
        ['public, max-age=120', '0', 96, 120],
        ['max-age=120', '60', 48, 60],
        ['max-age="90"', '', 72, 90],
        ['max-age=86400', '0', 476, 595],
        ['max-age=1', '0', 24, 30],
        ['no-store, max-age=0', '0', 476, 595],
        ['s-maxage=60', '0', 476, 595],
      ] as const) {
        const { clock, issuer, mirror } = world()
        issuer.headers = { 'cache-control': cacheControl, age }
        started(mirror)
        await clock.advance(0)
        await clock.advance(least * SECOND - 1)
        expect([cacheControl, issuer.requests.length]).toEqual([cacheControl, 1])
        await clock.advance((most - least) * SECOND + 1)
        expect([cacheControl, issuer.requests.length]).toEqual([cacheControl, 2])
      }
    })

    it('end with the signal, leaving nothing behind', async () => {
      const { clock, issuer, mirror } = world()
      const control = new AbortController()
      const run = mirror.run(control.signal)
      await clock.advance(0)
      control.abort()
      await run
      expect(clock.sleeping).toBe(0)
      await clock.advance(HOUR)
      expect(issuer.requests).toHaveLength(1)
      await mirror.run(AbortSignal.abort())
      expect(issuer.requests).toHaveLength(1)
    })

    it('are had by who waits for them when the signal ends the run in the middle of the fetch', async () => {
      const { clock, issuer, mirror } = world()
      issuer.delayMs = SECOND
      const control = new AbortController()
      const run = mirror.run(control.signal)
      await settle()
      const keys = mirror.keys()
      control.abort()
      await clock.advance(SECOND)
      expect(await keys).toMatchObject({ generation: 1 })
      await run
      expect([issuer.requests.length, clock.sleeping]).toEqual([1, 0])
    })

    it('are asked for at once by who comes after the signal ended the run in the middle of the fetch', async () => {
      const { issuer, mirror } = world()
      issuer.trouble = 'silent'
      const control = new AbortController()
      const run = mirror.run(control.signal)
      await settle()
      control.abort()
      issuer.trouble = undefined
      expect(await mirror.keys()).toMatchObject({ generation: 1 })
      await run
    })

    it('end with the signal in the middle of a fetch', async () => {
      const { clock, issuer, mirror } = world()
      issuer.trouble = 'silent'
      const control = new AbortController()
      const run = mirror.run(control.signal)
      await settle()
      control.abort()
      await run
      expect(clock.sleeping).toBe(0)
    })
  })

  describe('refreshed as they are used, when the mirror does not run', () => {
    it('are refreshed behind the back of who asks shortly before the interval ends', async () => {
      const { clock, issuer, mirror } = world()
      const set = await mirror.keys()
      await clock.advance(10 * MINUTE)
      issuer.keys = [named(second, 'two')]
      expect(mirror.keys()).toBe(set)
      await settle()
      expect(mirror.keys()).toMatchObject({ generation: 2 })
      expect(issuer.requests).toHaveLength(2)
    })

    it('are waited for when the interval is over, so that a removed key is refused', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(second, 'two')]
      await clock.advance(10 * MINUTE + 1)
      expect(await judge()).toBe('unknown_key')
    })

    it('count the time of a suspended machine', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(second, 'two')]
      clock.stepWall(HOUR)
      expect(await judge()).toBe('unknown_key')
    })

    it('are not kept longer because the wall clock went back', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(second, 'two')]
      clock.stepWall(-DAY)
      await clock.advance(10 * MINUTE + 1)
      expect(await judge()).toBe('unknown_key')
    })
  })

  const troubles: readonly (readonly [string, Trouble, RegExp])[] = [
    ['an outage', 'refused', /connection refused/],
    ['silence', 'silent', /did not answer within 5000 ms/],
    ['silence of a client that does not listen', 'rude', /did not answer within 5000 ms/],
    ['a 500', { status: 500 }, /answered 500/],
    ['a 404', { status: 404 }, /answered 404/],
    ['a 304 to nothing', { status: 304 }, /answered 304/],
    ['a redirect', { status: 302, headers: { location: 'http://10.0.0.1/' } }, /302, a redirect/],
    ['an empty answer', { status: 200 }, /answered with nothing/],
    [
      'HTML',
      { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '{"keys":[]}' },
      /text\/html/,
    ],
    ['HTML that says it is JSON', { status: 200, body: '<html>' }, /no JSON object/],
    ['truncated JSON', { status: 200, body: JSON.stringify({ keys: [named(first)] }).slice(0, -9) }, /no JSON object/],
    ['another object', { status: 200, body: '{"error":"no"}' }, /no JSON object with a list/],
    ['a list alone', { status: 200, body: JSON.stringify([named(first)]) }, /no JSON object/],
    ['keys that are no list', { status: 200, body: '{"keys":{}}' }, /no JSON object with a list/],
    ['keys twice', { status: 200, body: `{"keys":[],"keys":[${JSON.stringify(named(first))}]}` }, /no JSON object/],
    ['no keys', { status: 200, body: '{"keys":[]}' }, /list of keys is empty/],
    [
      'no usable keys',
      { status: 200, body: JSON.stringify({ keys: [named(ecPair('P-384')), null, 7, 'key'] }) },
      /none of its keys/,
    ],
    ['a status of success that is not 200', { status: 204 }, /answered 204/],
  ]

  describe.each(troubles)('meeting %s', (_what, trouble, why) => {
    it('keep the last keys for 24 hours, then fail closed, then recover', async () => {
      const { clock, issuer, mirror, judge } = world()
      started(mirror)
      await clock.advance(0)
      expect(await judge()).toBe('valid')
      issuer.trouble = trouble
      await clock.advance(23 * HOUR)
      expect(await judge()).toBe('valid')
      await clock.advance(HOUR + MINUTE)
      const error = await failure(mirror)
      expect(error.code).toBe('keys_unavailable')
      expect(error.retryable).toBe(true)
      await expect(judge()).rejects.toBeInstanceOf(Error)
      issuer.trouble = undefined
      await clock.advance(10 * MINUTE)
      expect(await judge()).toBe('valid')
    })

    it('say what happened, where, and what to do when there are no keys yet', async () => {
      const { clock, issuer, mirror } = world()
      issuer.trouble = trouble
      const start = clock.wall()
      const error = await during(clock, 5 * SECOND, failure(mirror))
      expect(error).toMatchObject({ code: 'keys_unavailable', name: 'GuestpassError' })
      expect(error.message).toMatch(why)
      expect(error.message).toContain('login.example.com')
      expect(error.message).toContain('Check that the URL')
      expect(error.message).not.toContain('s3cr3t')
      expect(error.retryAt).toBeGreaterThan(start)
      if (typeof trouble === 'object') expect(error.upstream).toEqual({ status: trouble.status })
    })

    it('are not fetched for every token', async () => {
      const { clock, issuer, mirror } = world()
      issuer.trouble = trouble
      await during(clock, 5 * SECOND, failure(mirror))
      expect(issuer.requests).toHaveLength(1)
      for (let at = 0; at < 50; at += 1) expect((await failure(mirror)).code).toBe('keys_unavailable')
      expect(issuer.requests.length).toBeLessThanOrEqual(2)
    })
  })

  it.each([
    'text/plain',
    'application/octet-stream',
    'application/jwk-set+json; charset=utf-8',
    'Application/JSON',
    '',
  ])('are taken from an answer of type %j', async (type) => {
    const { issuer, judge } = world()
    issuer.headers = { 'content-type': type }
    expect(await judge()).toBe('valid')
  })

  it('are tried again with growing pauses while an outage lasts', async () => {
    const { clock, issuer, mirror } = world()
    issuer.trouble = 'refused'
    started(mirror)
    await clock.advance(4 * HOUR)
    const pauses = pausesOf(issuer)
    for (const [at, pause] of pauses.entries()) {
      const whole = Math.min(SECOND * 2 ** at, 10 * MINUTE)
      expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2))
      expect(pause).toBeLessThanOrEqual(whole + 1)
    }
    expect(new Set(pauses.slice(-5)).size).toBeGreaterThan(2)
    expect(issuer.requests.length).toBeLessThan(50)
  })

  it('are not asked for earlier than a Retry-After says, whatever tokens come', async () => {
    const { clock, issuer, mirror, judge } = world()
    expect(await judge()).toBe('valid')
    started(mirror)
    issuer.trouble = { status: 429, headers: { 'retry-after': '1800' } }
    await clock.advance(10 * MINUTE)
    expect(issuer.requests).toHaveLength(2)
    const answeredAt = clock.wall()
    issuer.trouble = undefined
    issuer.keys = [named(second, 'two')]
    for (let at = 0; at < 18; at += 1) {
      await clock.advance(MINUTE)
      expect(await judge(second, 'two')).toBe('unknown_key')
    }
    expect(issuer.requests).toHaveLength(2)
    await clock.advance(1800 * SECOND * 1.1 - (clock.wall() - answeredAt))
    expect(issuer.requests).toHaveLength(3)
    expect(await judge(second, 'two')).toBe('valid')
  })

  it('come back at different times after one Retry-After for all', async () => {
    const returns = new Set<number>()
    for (const seed of [1, 2, 3, 4, 5]) {
      const { clock, issuer, mirror } = world({ random: seededRandom(seed) })
      issuer.trouble = { status: 503, headers: { 'retry-after': '3600' } }
      started(mirror)
      await clock.advance(2 * HOUR)
      const [pause = 0] = pausesOf(issuer)
      expect(pause).toBeGreaterThanOrEqual(HOUR)
      expect(pause).toBeLessThanOrEqual(1.1 * HOUR + 1)
      returns.add(pause)
    }
    expect(returns.size).toBe(5)
  })

  describe('asked for a key that is not there', () => {
    it('are looked at again at once, and the new key is found', async () => {
      const { issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(first, 'one'), named(second, 'two')]
      expect(await judge(second, 'two')).toBe('valid')
      expect(issuer.requests).toHaveLength(2)
    })

    it('are looked at again when a signature does not fit, and the exchanged key is found', async () => {
      const { issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(second, 'one')]
      expect(await judge(second, 'one')).toBe('valid')
      expect(await judge(first, 'one')).toBe('signature')
      expect(issuer.requests).toHaveLength(2)
    })

    it('are looked at once per cool-down, however many strange tokens come', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      for (let at = 0; at < 100; at += 1) expect(await judge(second, `strange-${at}`)).toBe('unknown_key')
      expect(issuer.requests).toHaveLength(2)
      const spray = Array.from({ length: 100 }, (_, at) => judge(second, at % 2 ? 'one' : `strange-${at}`))
      expect(new Set(await Promise.all(spray))).toEqual(new Set(['signature', 'unknown_key']))
      expect(issuer.requests).toHaveLength(2)
      await clock.advance(30 * SECOND)
      await Promise.all(Array.from({ length: 100 }, (_, at) => judge(second, `strange-${at}`)))
      expect(issuer.requests).toHaveLength(3)
    })

    it('find a key that is published in the middle of a spray within a cool-down', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      expect(await judge(second, 'strange')).toBe('unknown_key')
      issuer.keys = [named(first, 'one'), named(second, 'two')]
      let waited = 0
      while ((await judge(second, 'two')) !== 'valid') {
        await judge(second, `strange-${waited}`)
        await clock.advance(SECOND)
        waited += SECOND
      }
      expect(waited).toBeLessThanOrEqual(30 * SECOND)
      expect(issuer.requests).toHaveLength(3)
    })

    it('find a key that was published just after a refresh in the background', async () => {
      const { clock, issuer, mirror, judge } = world()
      started(mirror)
      await clock.advance(0)
      issuer.keys = [named(first, 'one'), named(second, 'two')]
      expect(await judge(second, 'two')).toBe('valid')
    })

    it('let a token wait for a look that is under way instead of refusing it', async () => {
      const { clock, issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.keys = [named(first, 'one'), named(second, 'two')]
      issuer.delayMs = SECOND
      const early = judge(second, 'strange')
      await settle()
      const genuine = judge(second, 'two')
      await clock.advance(SECOND)
      expect(await early).toBe('unknown_key')
      expect(await genuine).toBe('valid')
      expect(issuer.requests).toHaveLength(2)
    })

    it('are looked at after a refresh under way that did not have the key yet', async () => {
      const { clock, issuer, mirror, judge } = world()
      expect(await judge()).toBe('valid')
      await clock.advance(10 * MINUTE)
      issuer.delayMs = SECOND
      issuer.keys = [named(first, 'one')]
      void mirror.keys()
      await settle()
      const genuine = judge(second, 'two')
      await clock.advance(SECOND)
      issuer.keys = [named(first, 'one'), named(second, 'two')]
      await clock.advance(SECOND)
      expect(await genuine).toBe('valid')
      expect(issuer.requests).toHaveLength(3)
    })

    it('stay as they are when the look fails', async () => {
      const { issuer, judge } = world()
      expect(await judge()).toBe('valid')
      issuer.trouble = { status: 503 }
      expect(await judge(second, 'two')).toBe('unknown_key')
      expect(await judge()).toBe('valid')
      for (let at = 0; at < 50; at += 1) await judge(second, `strange-${at}`)
      expect(issuer.requests).toHaveLength(2)
    })
  })

  describe('at an address that is known later', () => {
    it('ask for the address when they are needed, and not before', async () => {
      let asked = 0
      const { issuer, judge } = world({
        url: async () => {
          asked += 1
          return URL_OF_KEYS
        },
      })
      expect(asked).toBe(0)
      expect(await judge()).toBe('valid')
      expect(asked).toBe(1)
      expect(issuer.requests).toMatchObject([{ url: URL_OF_KEYS }])
    })

    it('say why the address is not known, without a host', async () => {
      const { issuer, mirror } = world({ url: () => Promise.reject(new Error('the directory burns')) })
      const error = await failure(mirror)
      expect(error.code).toBe('keys_unavailable')
      expect(error.message).toMatch(/^The signing keys cannot be had: it is not known where they are/)
      expect(issuer.requests).toEqual([])
    })

    it('refuse an address that is none', async () => {
      const { mirror } = world({ url: async () => 'login.example.com' })
      expect((await failure(mirror)).message).toContain('not an http or https URL')
    })

    it('wait for the address no longer than for an answer', async () => {
      const { clock, mirror } = world({ url: () => new Promise(() => {}) })
      const error = await during(clock, 5 * SECOND, failure(mirror))
      expect(error.message).toContain('not had within 5000 ms')
    })

    it('follow the address, and send no ETag of the former one', async () => {
      let url = URL_OF_KEYS
      const { clock, issuer, mirror, judge } = world({ url: async () => url })
      issuer.tags = true
      started(mirror)
      await clock.advance(0)
      url = 'https://login.example.com/new.json'
      issuer.keys = [named(second, 'two')]
      await clock.advance(10 * MINUTE)
      expect(issuer.requests.at(-1)).toMatchObject({ url })
      expect(issuer.requests.at(-1)?.headers).not.toHaveProperty('if-none-match')
      expect(await judge()).toBe('unknown_key')
    })

    it('keep the last keys while the address is not known', async () => {
      let isKnown = true
      const url = (): Promise<string> => (isKnown ? Promise.resolve(URL_OF_KEYS) : Promise.reject(new Error('no')))
      const { clock, mirror, judge } = world({ url })
      started(mirror)
      await clock.advance(0)
      isKnown = false
      await clock.advance(23 * HOUR)
      expect(await judge()).toBe('valid')
      await clock.advance(HOUR + MINUTE)
      expect((await failure(mirror)).code).toBe('keys_unavailable')
    })

    it('end with the signal while the address is looked for', async () => {
      const { clock, mirror } = world({ url: () => new Promise(() => {}) })
      const control = new AbortController()
      const run = mirror.run(control.signal)
      await settle()
      control.abort()
      await run
      expect(clock.sleeping).toBe(0)
    })
  })

  it('are read behind a byte order mark', async () => {
    const { issuer, judge } = world()
    issuer.trouble = { status: 200, body: `\ufeff${JSON.stringify({ keys: [named(first, 'one')] })}` }
    expect(await judge()).toBe('valid')
  })

  describe('remembered between processes', () => {
    const facts = (): { value: unknown; saves: number } & NonNullable<MirrorOptions['facts']> => {
      const box = {
        value: undefined as unknown,
        saves: 0,
        load: async () => structuredClone(box.value),
        save: async (value: unknown) => {
          box.saves += 1
          box.value = JSON.parse(JSON.stringify(value)) as unknown
        },
      }
      return box
    }

    it('need no fetch at the next start', async () => {
      const shared = facts()
      const { clock, issuer, mirror, more } = world({ facts: shared })
      issuer.tags = true
      await mirror.keys()
      await clock.advance(7 * MINUTE)
      expect((await more().keys()).keys).toMatchObject([{ kid: 'one' }])
      expect(issuer.requests).toHaveLength(1)
      await clock.advance(3 * MINUTE + 1)
      await more().keys()
      expect(issuer.requests).toHaveLength(2)
      expect(issuer.unchanged).toBe(1)
    })

    it('are fetched by one of several processes, and a removed key is refused by all within the interval', async () => {
      const shared = facts()
      const { clock, issuer, mirror, more } = world({ facts: shared })
      await mirror.keys()
      const mirrors = [mirror, ...Array.from({ length: 7 }, (_, at) => more({ random: seededRandom(at + 2) }))]
      for (const one of mirrors) started(one)
      await clock.advance(0)
      expect(issuer.requests).toHaveLength(1)
      await clock.advance(5 * MINUTE)
      issuer.keys = [named(second, 'two')]
      await clock.advance(10 * MINUTE)
      for (const one of mirrors) expect((await one.keys()).keys).toMatchObject([{ kid: 'two' }])
      await clock.advance(45 * MINUTE)
      expect(issuer.requests.length).toBeLessThanOrEqual(10)
    })

    it('still serve, for their day, a process that starts in an outage', async () => {
      const shared = facts()
      const { clock, issuer, mirror, more } = world({ facts: shared })
      await mirror.keys()
      issuer.trouble = 'refused'
      await clock.advance(20 * HOUR)
      const late = more()
      expect((await late.keys()).keys).toMatchObject([{ kid: 'one' }])
      await clock.advance(4 * HOUR + 1)
      expect((await failure(late)).code).toBe('keys_unavailable')
      expect((await failure(more())).code).toBe('keys_unavailable')
    })

    it('are looked past for a token with an unknown key', async () => {
      const shared = facts()
      const { issuer, mirror, more } = world({ facts: shared })
      await mirror.keys()
      issuer.keys = [named(second, 'two')]
      const check = checker(platform, more())
      expect(outcome(await check(token(claims(), second, { kid: 'two' })))).toBe('valid')
      expect(issuer.requests).toHaveLength(2)
    })

    it('never hold more than public keys that can be used', async () => {
      const shared = facts()
      const { issuer, mirror } = world({ facts: shared })
      const leaked = { ...second.privateKey.export({ format: 'jwk' }), kid: 'leaked' }
      issuer.keys = [leaked as never, named(first, 'one', { note: 'n' })]
      await mirror.keys()
      expect(shared.value).toMatchObject({ keys: [{ kid: 'one', n: first.jwk['n'] }] })
      const text = JSON.stringify(shared.value)
      for (const secret of ['d', 'p', 'q'] as const) expect(text).not.toContain(String(leaked[secret]))
      expect(text).not.toContain(String(leaked.n))
      expect(text).not.toContain('"note"')
    })

    it.each([
      ['of another URL', { url: 'https://other.example.com/jwks.json' }],
      ['from far in the future', { at: Date.UTC(2030, 0, 1) }],
      ['from two days ago', { at: Date.UTC(2025, 11, 30) }],
      ['without a time', { at: null }],
      ['without keys', { keys: 'none' }],
      ['with keys that cannot be used', { keys: [{ kty: 'oct', k: 'AAAA', kid: 'one' }, null] }],
      ['with a wrong ETag', { etag: 7 }],
    ])('do not count when they are %s', async (_what, wrong) => {
      const shared = facts()
      const { clock, issuer, more } = world({ facts: shared })
      shared.value = { url: URL_OF_KEYS, at: clock.wall(), keys: [named(second, 'two')], ...wrong }
      expect((await more().keys()).keys).toMatchObject([{ kid: 'one' }])
      expect(issuer.requests).toHaveLength(1)
    })

    it.each([[undefined], [null], ['keys'], [7], [[]]])('do not count when they are %j', async (value) => {
      const { issuer, more } = world({ facts: { load: async () => value, save: async () => {} } })
      expect((await more().keys()).keys).toMatchObject([{ kid: 'one' }])
      expect(issuer.requests).toHaveLength(1)
    })

    it('can do without a store that fails or hangs', async () => {
      const failing = world({
        facts: { load: () => Promise.reject(new Error('no')), save: () => Promise.reject(new Error('no')) },
      })
      expect(await failing.judge()).toBe('valid')
      const never = new Promise<never>(() => {})
      const hanging = world({ facts: { load: () => never, save: () => never } })
      expect(await during(hanging.clock, 10 * SECOND, hanging.judge())).toBe('valid')
    })
  })
})
