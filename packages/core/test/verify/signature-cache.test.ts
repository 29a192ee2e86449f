import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/testing/index.ts'
import type { KeySet, KeySource } from '../../src/verify/keys.ts'
import { createSignatureCache } from '../../src/verify/signature-cache.ts'
import { b64, checker, claims, ecPair, named, outcome, platforms, rsaPair, START, token } from './material.ts'

const rsa = rsaPair()
const other = rsaPair()
const ec = ecPair()

/** A source whose keys the test exchanges. */
function changingKeys(sets: readonly KeySet['keys'][]): KeySource & { turn(to: number): void } {
  let generation = 1
  let at = 0
  return {
    turn(to) {
      if (to % sets.length === at) return
      at = to % sets.length
      generation += 1
    },
    keys: () => ({ generation, keys: sets[at] ?? [] }),
    refetch: async () => false,
  }
}

describe.each(platforms)('What a verifier remembers on the %s platform', (_name, platform) => {
  const made = async (...jwks: readonly Parameters<typeof platform.maker.fromJwk>[0][]): Promise<KeySet['keys']> =>
    (await Promise.all(jwks.map((jwk) => platform.maker.fromJwk(jwk)))).flat()

  it('is spared the check of the signature from the third time on, while the keys stay', async () => {
    let checks = 0
    const [key] = await made(named(rsa))
    const counting = {
      ...key,
      verify: (...call: Parameters<NonNullable<typeof key>['verify']>) => {
        checks += 1
        return key?.verify(...call) ?? false
      },
    } as NonNullable<typeof key>
    const source = changingKeys([[counting], [counting]])
    const verify = checker(platform, source)
    const good = token(claims(), rsa)
    for (let round = 0; round < 5; round += 1) expect(outcome(await verify(good))).toBe('valid')
    expect(checks).toBe(2)
    source.turn(1)
    for (let round = 0; round < 5; round += 1) expect(outcome(await verify(good))).toBe('valid')
    expect(checks).toBe(3)
    const forgetful = checker(platform, source, { remember: 0 })
    for (let round = 0; round < 3; round += 1) expect(outcome(await forgetful(good))).toBe('valid')
    expect(checks).toBe(6)
  })

  it('never includes another signature under the same text', async () => {
    const source = changingKeys([await made(named(ec))])
    const verify = checker(platform, source, { algorithms: ['ES256'] })
    const [one, two] = [token(claims(), ec), token(claims(), ec)]
    const forged = `${one.slice(0, one.lastIndexOf('.'))}.${'A'.repeat(86)}`
    for (let round = 0; round < 3; round += 1) expect(outcome(await verify(one))).toBe('valid')
    expect(outcome(await verify(forged))).toBe('signature')
    const lastPart = one.slice(-12)
    expect(outcome(await verify(forged.slice(0, -12) + lastPart))).toBe('signature')
    expect(
      outcome(
        await verify(`${b64({ alg: 'ES256', kid: 'one' })}.${b64(claims({ sub: 'admin' }))}.${one.split('.')[2]}`),
      ),
    ).toBe('signature')
    expect(outcome(await verify(one.replaceAll('.', '-')))).toBe('malformed')
    const last = one.lastIndexOf('.')
    expect(outcome(await verify(`${one.slice(0, last)}A${one.slice(last + 1)}`))).toBe('malformed')
    expect(outcome(await verify(two))).toBe('valid')
    expect(outcome(await verify(`${one}=`))).toBe('malformed')
    expect(outcome(await verify(`${one}.`))).toBe('malformed')
    expect(outcome(await verify(one.replace('.', '..')))).toBe('malformed')
  })

  it('ends when the key is removed', async () => {
    const source = changingKeys([await made(named(rsa)), await made(named(other, 'two'))])
    const verify = checker(platform, source)
    const good = token(claims(), rsa)
    for (let round = 0; round < 3; round += 1) expect(outcome(await verify(good))).toBe('valid')
    source.turn(1)
    expect(outcome(await verify(good))).toBe('unknown_key')
  })

  it('makes no difference to any answer', async () => {
    const sets = [
      await made(named(rsa), named(ec, 'two')),
      await made(named(other), named(ec, 'two')),
      await made(named(rsa, 'two')),
    ]
    const tokens = [
      token(claims({ jti: 'a' }), rsa),
      token(claims({ jti: 'b', nbf: START + 30 }), rsa),
      token(claims({ exp: START + 40, scope: 'a b' }), ec, { kid: 'two' }),
      token(claims({ sub: 'other', iss: 'else' }), other),
      token(claims({ exp: 'never' }), rsa),
      token(claims(), rsa, { kid: undefined }),
      token(claims({ aud: 'x' }), ec, { kid: 'two', crit: [] }),
      token(claims({ jti: 'c' }), ec, { kid: 'one' }),
    ]
    const all = [...tokens, ...tokens.map((one) => `${one}A`), ...tokens.map((one) => one.replace(/.{8}$/, 'AAAAAAAA'))]
    const policies = [
      {},
      { issuer: 'https://login.example.com' },
      { leewayMs: 0, algorithms: ['RS256', 'ES256'] as const },
    ]
    const step = fc.record({
      token: fc.oneof(fc.nat(3), fc.nat(all.length - 1)),
      expectations: fc.constantFrom(
        undefined,
        { subject: 'other' },
        { scopes: ['a'] },
        { scopes: ['webmessaging:guest:send'] },
      ),
      advanceMs: fc.constantFrom(0, 0, 1_000, 10_000, -5_000),
      keys: fc.option(fc.nat(2), { freq: 4, nil: undefined }),
      deny: fc.option(fc.nat(all.length - 1), { freq: 5, nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.constantFrom(1, 3, 100),
        fc.array(step, { maxLength: 40 }),
        async (policy, remember, steps) => {
          const clock = fakeClock()
          const source = changingKeys(sets)
          const revoked = new Set<string>()
          const seen = new Map<string, string>()
          const options = {
            clock,
            denied: (print: string) => {
              seen.set(print, print)
              return revoked.has(print)
            },
            ...policies[policy],
          }
          const warm = checker(platform, source, { ...options, remember })
          const cold = checker(platform, source, { ...options, remember: 0 })
          for (const { token: at, expectations, advanceMs, keys, deny } of steps) {
            clock.stepWall(advanceMs)
            if (keys !== undefined) source.turn(keys)
            if (deny !== undefined && seen.size > 0) revoked.add([...seen.keys()][deny % seen.size] ?? '')
            const text = all[at] ?? ''
            expect(await warm(text, expectations)).toEqual(await cold(text, expectations))
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('The memory', () => {
  const entry = { claims: {}, type: undefined, digest: '', signature: '', generation: 1 }

  it('never holds more than it may', () => {
    for (const max of [1, 2, 3, 10, 101]) {
      const { find, keep } = createSignatureCache(max)
      for (let at = 0; at < 500; at += 1) keep(`${at}`, entry)
      const held = Array.from({ length: 500 }, (_, at) => `${at}`).filter((digest) => find(digest))
      expect(held.length).toBeLessThanOrEqual(max)
      expect(held).toContain('499')
    }
  })

  it('keeps what is used and lets go of what is not', () => {
    const { find, keep } = createSignatureCache(10)
    for (let at = 0; at < 100; at += 1) {
      keep(`${at}`, entry)
      expect(find('0')).toBe(entry)
    }
    expect(find('1')).toBeUndefined()
  })
})
