import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { givenKeys } from '../../src/verify/given-keys.ts'
import { verifier } from '../../src/verify/verifier.ts'
import {
  b64,
  checker,
  claims,
  ecPair,
  named,
  outcome,
  platforms,
  rsaPair,
  START,
  signature,
  token,
} from './material.ts'

const rsa = rsaPair()
const ec = ecPair()
const strangers = rsaPair()
const BOTH = { algorithms: ['RS256', 'ES256'] } as const

describe.each(platforms)('A verifier on the %s platform', (_name, platform) => {
  const keys = [named(rsa, 'one'), named(ec, 'two')]
  const check = checker(platform, keys, BOTH)

  it('gives the claims of a good RS256 token as they were issued', async () => {
    const issued = claims({ 'https://example.com/tier': { name: 'gold', since: [1, 2] }, name: 'Zoë 🦊' })
    expect(await check(token(issued, rsa))).toEqual({ valid: true, claims: issued })
  })

  it('gives the claims of a good ES256 token', async () => {
    const issued = claims()
    expect(await check(token(issued, ec, { kid: 'two' }))).toEqual({ valid: true, claims: issued })
  })

  it('gives claims that no caller can change for the next one', async () => {
    const verdict = await check(token(claims({ deep: { list: [{}] } }), rsa))
    const held = (verdict.valid ? verdict.claims : {}) as { deep: { list: object[] } }
    for (const part of [held, held.deep, held.deep.list, held.deep.list[0]]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('accepts RS256 alone by default', async () => {
    const strict = checker(platform, keys)
    expect(outcome(await strict(token(claims(), ec, { kid: 'two' })))).toBe('algorithm')
    expect(outcome(await strict(token(claims(), rsa)))).toBe('valid')
  })

  it('names a signature by another key', async () => {
    expect(outcome(await check(token(claims(), strangers)))).toBe('signature')
  })

  it('names a kid that no key has', async () => {
    expect(outcome(await check(token(claims(), rsa, { kid: 'three' })))).toBe('unknown_key')
  })

  it('names an algorithm that the key of the kid is not for', async () => {
    expect(outcome(await check(token(claims(), ec, { kid: 'one' })))).toBe('algorithm')
  })

  it('takes the only key of the algorithm when the token names none', async () => {
    expect(outcome(await check(token(claims(), ec, { kid: undefined })))).toBe('valid')
  })

  it('refuses to choose between two keys when the token names none', async () => {
    const two = checker(platform, [named(rsa, 'one'), named(strangers, 'two')])
    expect(outcome(await two(token(claims(), rsa, { kid: undefined })))).toBe('unknown_key')
    expect(outcome(await two(token(claims(), rsa)))).toBe('valid')
  })

  it('refuses to choose between two keys of one kid', async () => {
    const two = checker(platform, [named(rsa), named(strangers)])
    expect(outcome(await two(token(claims(), rsa)))).toBe('unknown_key')
  })

  it('does not take a key without kid for a token with one, unless it was given alone as PEM', async () => {
    const bare = checker(platform, [rsa.jwk])
    expect(outcome(await bare(token(claims(), rsa)))).toBe('unknown_key')
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const alone = checker(platform, givenKeys({ pem }, platform.maker))
    expect(outcome(await alone(token(claims(), rsa)))).toBe('valid')
    expect(outcome(await alone(token(claims(), strangers)))).toBe('signature')
  })

  describe('judging dates', () => {
    const at = async (payload: object, now: number, leewayMs?: number): Promise<string> => {
      const verify = checker(platform, keys, { clock: fakeClock(now * 1000), leewayMs })
      return outcome(await verify(token(payload, rsa)))
    }

    it('lets a token live until exp and the leeway are over, to the millisecond', async () => {
      expect(await at(claims({ exp: START + 10 }), START + 14.999)).toBe('valid')
      expect(await at(claims({ exp: START + 10 }), START + 15)).toBe('expired')
      expect(await at(claims({ exp: START + 10 }), START + 9.999, 0)).toBe('valid')
      expect(await at(claims({ exp: START + 10 }), START + 10, 0)).toBe('expired')
    })

    it('takes fractions of seconds as they are', async () => {
      expect(await at(claims({ exp: START + 10.5 }), START + 10.499, 0)).toBe('valid')
      expect(await at(claims({ exp: START + 10.5 }), START + 10.5, 0)).toBe('expired')
    })

    it('lets a token begin at nbf less the leeway', async () => {
      expect(await at(claims({ nbf: START + 10 }), START + 5)).toBe('valid')
      expect(await at(claims({ nbf: START + 10 }), START + 4.999)).toBe('not_yet_valid')
    })

    it('refuses a token that was issued later than now', async () => {
      expect(await at(claims({ iat: START + 10 }), START + 5)).toBe('valid')
      expect(await at(claims({ iat: START + 10 }), START + 4.999)).toBe('not_yet_valid')
    })

    it('refuses a token without exp', async () => {
      const { exp: _, ...rest } = claims()
      expect(await at(rest, START)).toBe('missing_exp')
    })

    it.each(['exp', 'nbf', 'iat'])('refuses a %s that is not a date', async (name) => {
      for (const wrong of [`${START}`, null, true, [START], {}, START * 1000, 1e300]) {
        expect(await at(claims({ [name]: wrong }), START)).toBe('malformed')
      }
    })

    it('refuses an exp that is too large for a number', async () => {
      const verify = checker(platform, keys)
      expect(outcome(await verify(token('{"exp":1e400}', rsa)))).toBe('malformed')
      expect(outcome(await verify(token('{"exp":-1e400}', rsa)))).toBe('expired')
    })

    it('finds no token valid while the clock has no time', async () => {
      const verify = checker(platform, keys, { now: () => Number.NaN })
      expect(outcome(await verify(token(claims({ nbf: START }), rsa)))).toBe('expired')
    })
  })

  describe('pinned to an issuer, an audience and an organisation', () => {
    const pins = {
      issuer: 'https://login.example.com',
      audience: 'guests',
      organization: { claim: 'org', id: 'o-1' },
    }
    const pinned = checker(platform, keys, pins)
    const reason = async (more: object): Promise<string> =>
      outcome(await pinned(token(claims({ aud: 'guests', org: 'o-1', ...more }), rsa)))

    it('accepts what matches', async () => {
      expect(await reason({})).toBe('valid')
      expect(await reason({ aud: ['others', 'guests'] })).toBe('valid')
    })

    it('names the issuer', async () => {
      for (const iss of [undefined, 'https://login.example.com/', ['https://login.example.com']]) {
        expect(await reason({ iss })).toBe('issuer')
      }
    })

    it('names the audience', async () => {
      for (const aud of [undefined, 'guests2', 'guest', ['guests2'], [['guests']], []]) {
        expect(await reason({ aud })).toBe('audience')
      }
    })

    it('names the issuer when the organisation is another', async () => {
      expect(await reason({ org: 'o-2' })).toBe('issuer')
      expect(await reason({ org: undefined })).toBe('issuer')
    })
  })

  describe('asked for a subject and scopes', () => {
    const good = token(claims({ sub: 'guest-1', scope: 'guest:read guest:write' }), rsa)

    it('accepts the subject and any of the scopes', async () => {
      expect(outcome(await check(good, { subject: 'guest-1', scopes: ['guest:write', 'guest:read'] }))).toBe('valid')
      expect(outcome(await check(good, { scopes: [] }))).toBe('valid')
    })

    it('names the subject', async () => {
      expect(outcome(await check(good, { subject: 'guest-2' }))).toBe('subject')
      expect(outcome(await check(token(claims({ sub: undefined }), rsa), { subject: 'undefined' }))).toBe('subject')
    })

    it('compares scopes whole', async () => {
      for (const scope of ['guest', 'read', 'guest:read guest:write', 'guest:readx', '']) {
        expect(outcome(await check(good, { scopes: [scope] }))).toBe('scope')
      }
    })

    it('names the scopes that are missing, in the order in which they were expected', async () => {
      expect(await check(good, { scopes: ['b', 'guest:read', 'a'] })).toEqual({
        valid: false,
        reason: 'scope',
        missing: ['b', 'a'],
      })
    })

    it.each([
      ['at+jwt', 'at+jwt'],
      ['AT+JWT', 'application/at+jwt'],
      ['application/at+jwt', 'at+JWT'],
      ['Application/AT+jwt', 'at+jwt'],
      ['example/at+jwt', 'EXAMPLE/at+jwt'],
      ['application/x;part="1/2"', 'application/X;part="1/2"'],
    ])('takes the type %s for %s', async (typ, type) => {
      const typed = token(claims(), rsa, { typ })
      expect(outcome(await check(typed, { type }))).toBe('valid')
      // The same from memory.
      for (let at = 0; at < 3; at += 1) expect(outcome(await check(typed, { type }))).toBe('valid')
      expect(outcome(await check(typed, { type: 'JWT' }))).toBe('type')
      expect(outcome(await check(typed))).toBe('valid')
    })

    it.each([['JWT'], ['jwt+at'], ['application/application/at+jwt'], ['at+jwt '], [''], [undefined], [7], [null]])(
      'does not take the type %j for at+jwt',
      async (typ) => {
        expect(outcome(await check(token(claims(), rsa, { typ }), { type: 'at+jwt' }))).toBe('type')
      },
    )

    it('says of a token that a stranger signed that its signature is wrong, whatever its type', async () => {
      expect(outcome(await check(token(claims(), strangers, { typ: 'JWT' }), { type: 'at+jwt' }))).toBe('signature')
    })

    it('reads scopes from a list too', async () => {
      const listed = token(claims({ scope: ['guest:read', 7] }), rsa)
      expect(outcome(await check(listed, { scopes: ['guest:read'] }))).toBe('valid')
      expect(outcome(await check(listed, { scopes: ['guest:read', 'guest:write'] }))).toBe('scope')
      expect(outcome(await check(listed, { scopes: ['7'] }))).toBe('scope')
      expect(outcome(await check(token(claims({ scope: undefined }), rsa), { scopes: ['guest:read'] }))).toBe('scope')
    })
  })

  describe('with a list of denied tokens', () => {
    it('asks it about tokens that are valid otherwise, by fingerprint', async () => {
      const asked: string[] = []
      const denied = async (fingerprint: string): Promise<boolean> => asked.push(fingerprint) > 1
      const verify = checker(platform, keys, { denied })
      const good = token(claims(), rsa)
      expect(outcome(await verify(good))).toBe('valid')
      expect(outcome(await verify(good))).toBe('revoked')
      expect(outcome(await verify(good, { subject: 'another' }))).toBe('subject')
      expect(outcome(await verify(token(claims({ exp: START - 10 }), rsa)))).toBe('expired')
      expect(outcome(await verify(token(claims(), strangers)))).toBe('signature')
      const input = good.slice(0, good.lastIndexOf('.'))
      const print = await platform.sha256(input)
      expect(asked).toEqual([print, print])
    })

    it('rejects when the list cannot be had', async () => {
      const trouble = new GuestpassError('store_unavailable', 'gone')
      const verify = checker(platform, keys, { denied: () => Promise.reject(trouble) })
      await expect(verify(token(claims(), rsa))).rejects.toBe(trouble)
    })
  })

  it('rejects when keys cannot be had, but still answers what needs none', async () => {
    const trouble = new GuestpassError('keys_unavailable', 'gone')
    for (const fail of [
      () => Promise.reject(trouble),
      () => {
        throw trouble
      },
    ]) {
      const verify = checker(platform, { keys: fail, refetch: async () => false })
      await expect(verify(token(claims(), rsa))).rejects.toBe(trouble)
      expect(outcome(await verify('no.token.at-all'))).toBe('malformed')
    }
  })

  it('checks many tokens at once as it does one', async () => {
    const makers = [
      { wanted: 'signature', make: (jti: string) => token(claims({ jti }), strangers) },
      { wanted: 'valid', make: (jti: string) => token(claims({ jti }), rsa) },
      { wanted: 'valid', make: (jti: string) => token(claims({ jti }), ec, { kid: 'two' }) },
      { wanted: 'unknown_key', make: (jti: string) => token(claims({ jti }), rsa, { kid: 'three' }) },
    ]
    const tokens = Array.from({ length: 10 }, (_, at) => makers.map(({ make }) => make(`${at}`))).flat()
    const verdicts = await Promise.all(tokens.map((one) => check(one)))
    expect(verdicts.map(outcome)).toEqual(tokens.map((_, at) => makers[at % makers.length]?.wanted))
  })

  it('refuses what is not text', async () => {
    const odd: readonly unknown[] = [undefined, null, 7, {}, ['a.b.c']]
    for (const wrong of odd) {
      expect(outcome(await check(wrong as string))).toBe('malformed')
    }
  })

  it('looks at 16384 characters and no more', async () => {
    const sized = (length: number): string => {
      const padded = (fill: string): string => token(claims({ pad: fill }), rsa)
      const missing = length - padded('').length
      return padded('x'.repeat(Math.floor((missing * 3) / 4)))
    }
    const largest = sized(16_384)
    expect(largest.length).toBeGreaterThan(16_380)
    expect(outcome(await check(largest))).toBe('valid')
    const input = largest.slice(0, largest.lastIndexOf('.'))
    const larger = `${input}${'A'.repeat(16_385 - largest.length)}.${b64(signature(input, rsa))}`
    expect(larger).toHaveLength(16_385)
    expect(outcome(await check(larger))).toBe('oversized')
  })
})

describe('A verifier says to its keys whether other checks are in flight', () => {
  const [, platform] = platforms[0] as (typeof platforms)[0]

  it('for each check: alone, at once with others, or after all of them', async () => {
    const manyFlags: boolean[] = []
    const late: Array<(right: boolean) => void> = []
    const verify = (_input: Uint8Array, _signature: Uint8Array, many: boolean): boolean | Promise<boolean> => {
      manyFlags.push(many)
      return many ? new Promise((resolve) => late.push(resolve)) : true
    }
    const set = { generation: 1, keys: [{ kid: 'one', algorithm: 'RS256', verify }] } as const
    const check = checker(platform, { keys: () => set, refetch: async () => false })
    const good = (jti: string): string => token(claims({ jti }), rsa)
    await check(good('1'))
    await check(good('2'))
    expect(manyFlags).toEqual([false, false])
    const [alone, ...others] = [check(good('3')), check(good('4')), check(good('5'))]
    await alone
    const joined = check(good('6'))
    expect(manyFlags.slice(2)).toEqual([false, true, true, true])
    for (const answer of late) answer(true)
    expect((await Promise.all([...others, joined])).map(outcome)).toEqual(['valid', 'valid', 'valid'])
    await check(good('7'))
    expect(manyFlags.at(-1)).toBe(false)
  })
})

describe('Options of a verifier', () => {
  const [, platform] = platforms[0] as (typeof platforms)[0]
  const make = (options: object) => () =>
    verifier({ keys: givenKeys({ jwks: { keys: [rsa.jwk] } }, platform.maker), platform, now: () => 0, ...options })

  it.each([
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['leewayMs', { leewayMs: -1 }],
    ['leewayMs', { leewayMs: Number.NaN }],
    ['leewayMs', { leewayMs: Number.POSITIVE_INFINITY }],
    ['remember', { remember: -1 }],
    ['remember', { remember: 1.5 }],
  ])('are refused by name when they make no sense: %s', (field, options) => {
    expect(make(options)).toThrow(field)
    expect(make(options)).toThrow(GuestpassError)
  })

  it('are refused all at once', () => {
    expect(make({ leewayMs: -1, remember: -1 })).toThrow(/leewayMs.*remember/)
  })
})
