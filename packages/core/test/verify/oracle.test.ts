import { canonicalJson } from '../../src/domain/json.ts'
import fc from 'fast-check'
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing/index.ts'
import {
  checker,
  claims,
  ecPair,
  edPair,
  named,
  outcome,
  platforms,
  pssPair,
  rsaPair,
  START,
  token,
} from './material.ts'

const rsa = rsaPair()
const ec = ecPair()
const pss = pssPair()
const ed = edPair()
const strangers = rsaPair()
const keys = [
  named(rsa, 'one', { use: 'sig' }),
  named(ec, 'two', { alg: 'ES256' }),
  named(pss, 'three', { alg: 'PS256' }),
  named(ed, 'four'),
]
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

const NOW = START + 100
const josesKeys = createLocalJWKSet({ keys: keys as unknown as JWK[] })

const joseAccepts = (text: string): Promise<boolean> =>
  jwtVerify(text, josesKeys, {
    // RFC 9864 gives EdDSA with this curve a second name.
    algorithms: [...algorithms, 'Ed25519'],
    requiredClaims: ['exp'],
    clockTolerance: 5,
    currentDate: new Date(NOW * 1000),
  }).then(
    () => true,
    () => false,
  )

const name = fc.constantFrom('sub', 'aud', 'scope', 'jti', 'name', 'a:b', 'quo"te', 'é\u{1f98a}')
const second = fc.oneof(fc.integer({ min: NOW - 10, max: NOW + 10 }), fc.double({ min: NOW - 10, max: NOW + 10 }))
const odd = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean(), fc.double())

const payload = fc.record(
  {
    exp: fc.oneof({ weight: 4, arbitrary: fc.constant(NOW + 60) }, second, odd),
    nbf: fc.oneof({ weight: 4, arbitrary: fc.constant(NOW - 60) }, second, odd),
    iat: fc.oneof({ weight: 4, arbitrary: fc.constant(NOW - 60) }, second, odd),
    more: fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
  },
  { requiredKeys: ['exp', 'more'] },
)

const wildHeader = fc.record(
  {
    alg: fc.constantFrom('RS256', 'ES256', 'none', 'HS256', 'PS256', 'EdDSA', 'Ed25519', 'PS384', 7),
    kid: fc.constantFrom('one', 'two', 'three', 'four', 'five', 7),
    typ: fc.constantFrom('JWT', 'at+jwt', 'x'),
    crit: fc.constantFrom(['exp'], [], 'b64', ['b64']),
    jwk: fc.constant(strangers.jwk),
    jku: fc.constant('https://evil.example.com'),
    b64: fc.boolean(),
  },
  { requiredKeys: [] },
)

const header = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom({}, { kid: 'two' }, { kid: 'three' }, { kid: 'four' }) },
  wildHeader,
)

const signer = fc.constantFrom(rsa, ec, pss, ed, strangers)

/** Breaks a text at one place, or leaves it as it is. */
const damage = fc.option(
  fc.record({
    at: fc.nat(),
    text: fc.oneof(
      fc.constantFrom('', '.', '=', ' ', '\n', 'A', '-', '+', '/', '\u0000', 'é'),
      fc.string({ maxLength: 3 }),
    ),
    drop: fc.integer({ min: 0, max: 3 }),
  }),
  { freq: 1 },
)

const damaged = (text: string, how: { at: number; text: string; drop: number } | null): string => {
  if (!how) return text
  const at = how.at % (text.length + 1)
  return text.slice(0, at) + how.text + text.slice(at + how.drop)
}

describe.each(platforms)('Measured against jose, a verifier on the %s platform', (platformName, platform) => {
  const verify = checker(platform, keys, { algorithms, clock: fakeClock(NOW * 1000) })
  const numRuns = platformName === 'node' ? 1500 : 500

  it('accepts nothing that jose refuses', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(header, payload, signer, damage, async (head, { more, ...dates }, key, how) => {
        const text = damaged(token({ ...more, ...dates }, key, head), how)
        const verdict = await verify(text)
        if (!verdict.valid) return
        accepted += 1
        expect(await joseAccepts(text)).toBe(true)
      }),
      { numRuns },
    )
    expect(accepted).toBeGreaterThan(numRuns / 50)
  })

  it('accepts every token that is as the standards say, with the same claims', async () => {
    const good = fc.record(
      {
        exp: fc.oneof(
          fc.integer({ min: NOW + 1, max: NOW + 10 ** 8 }),
          fc.double({ min: NOW, max: NOW + 1e6, noNaN: true }),
        ),
        nbf: fc.integer({ min: 0, max: NOW }),
        iat: fc.double({ min: 0, max: NOW, noNaN: true }),
        // A member called __proto__ at any depth is refused here, whatever jose says: see the attacks.
        more: fc
          .dictionary(name, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 })
          .filter((members) => !JSON.stringify(members).includes('"__proto__":')),
      },
      { requiredKeys: ['exp', 'more'] },
    )
    const kinds = fc.constantFrom(
      { key: rsa, kid: 'one' },
      { key: ec, kid: 'two' },
      { key: pss, kid: 'three' },
      { key: ed, kid: 'four' },
      { key: rsa, kid: undefined },
      { key: ed, kid: undefined },
    )
    const typ = fc.option(fc.constantFrom('JWT', 'at+jwt'), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(good, kinds, typ, async ({ more, ...dates }, { key, kid }, type) => {
        const issued = { ...more, ...dates }
        const text = token(issued, key, { kid, typ: type })
        expect(await joseAccepts(text)).toBe(true)
        // As text, so that nothing of the claims goes unseen.
        const said = { valid: true, claims: JSON.parse(JSON.stringify(issued)) as unknown }
        expect(canonicalJson(await verify(text))).toBe(canonicalJson(said))
      }),
      { numRuns: numRuns / 5 },
    )
  })

  it.each([
    ['RS256', rsa, 'one'],
    ['PS256', pss, 'three'],
    ['ES256', ec, 'two'],
    ['EdDSA', ed, 'four'],
  ] as const)('accepts no token of %s of which one character was exchanged', async (_alg, key, kid) => {
    const good = token(claims(), key, { kid })
    expect(outcome(await verify(good))).toBe('valid')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='.split('')
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(...alphabet), async (at, other) => {
        fc.pre(good[at] !== other)
        expect((await verify(good.slice(0, at) + other + good.slice(at + 1))).valid).toBe(false)
      }),
      { numRuns: numRuns / 2 },
    )
  })
})
