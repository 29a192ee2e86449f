import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE } from '../../src/domain/time.ts'
import type { GuestpassError } from '../../src/domain/errors.ts'
import { fakeClock, seededRandom, settle } from '../../src/testing/index.ts'
import { verification, type VerificationOptions } from '../../src/connection/verification.ts'
import { fakeIssuer } from './fake-issuer.ts'
import { claims, ecPair, named, outcome, type Pair, platforms, rsaPair, token } from './material.ts'

const old = rsaPair()
const second = rsaPair()
const next = rsaPair()
const stranger = rsaPair()
const pemOf = ({ publicKey }: Pair): string => publicKey.export({ format: 'pem', type: 'spki' }).toString()
const URL_OF_KEYS = 'https://login.example.com/keys'

/** A verifier of guest tokens over PEM keys, and the key-set behind them, which holds the next key. */
async function checking(keys: VerificationOptions['keys'], store?: Parameters<typeof verification>[1]['store']) {
  const [[, platform]] = platforms as readonly [(typeof platforms)[0]]
  const clock = fakeClock()
  const issuer = fakeIssuer(clock, [named(next, 'next')])
  const ports = { clock, random: seededRandom(), http: issuer.http, platform, ...(store ? { store } : {}) }
  const checks = await verification({ keys, algorithms: ['RS256', 'ES256'] }, ports)
  const judge = async (key: Pair, kid?: string): Promise<string> => {
    const text = token(claims({ exp: clock.wall() / 1000 + 60, iat: 0 }), key, { kid })
    return checks.guestTokens.verify(text).then(outcome, (error: unknown) => (error as GuestpassError).code)
  }
  return { ...checks, clock, issuer, judge }
}

const both = { pem: pemOf(old) + pemOf(second), url: URL_OF_KEYS }

describe('PEM keys with a key-set behind them', () => {
  it('judge the tokens that they fit without a fetch', async () => {
    const { judge, issuer } = await checking(both)
    expect(await judge(old, 'any')).toBe('valid')
    expect(await judge(second)).toBe('valid')
    expect(issuer.requests).toEqual([])
  })

  it.each(['next', undefined])('are followed by the key-set when none of them fits, for the kid %s', async (kid) => {
    const { judge, issuer } = await checking(both)
    expect(await judge(next, kid)).toBe('valid')
    expect(await judge(next, kid)).toBe('valid')
    expect(await judge(old, 'next')).toBe('valid')
    expect(issuer.requests.length).toBe(1)
  })

  it('are followed by the key-set when none of them is of the algorithm', async () => {
    const { judge, issuer } = await checking(both)
    const ec = ecPair()
    issuer.keys = [named(ec, 'ec')]
    expect(await judge(ec, 'ec')).toBe('valid')
  })

  it('say what the key-set says of tokens that neither fits, and ask it once per cool-down', async () => {
    const { judge, issuer } = await checking(both)
    for (let at = 0; at < 20; at += 1) expect(await judge(stranger, 'next')).toBe('signature')
    for (let at = 0; at < 20; at += 1) expect(await judge(stranger, `spray-${at}`)).toBe('unknown_key')
    expect(issuer.requests.length).toBeLessThanOrEqual(2)
  })

  it('find a key that the key-set got later', async () => {
    const { judge, issuer, clock } = await checking(both)
    expect(await judge(next, 'next')).toBe('valid')
    const later = rsaPair()
    issuer.keys = [named(later, 'later')]
    await clock.advance(MINUTE)
    expect(await judge(later, 'later')).toBe('valid')
    expect(await judge(next, 'next')).toBe('unknown_key')
    expect(await judge(old)).toBe('valid')
  })

  it('find a new key though an older key-set is remembered', async () => {
    const stored = { url: URL_OF_KEYS, at: Date.UTC(2026, 0, 1), keys: [{ ...stranger.jwk, kid: 'before' }] }
    const { judge } = await checking(both, {
      fact: async (_connection, name) => (name.startsWith('keys:') ? stored : undefined),
      setFact: async () => {},
      denied: async () => false,
    })
    expect(await judge(next, 'next')).toBe('valid')
  })

  it('judge their tokens while the key-set cannot be had, and others are no answer', async () => {
    const { judge, issuer, clock } = await checking(both)
    issuer.trouble = 'refused'
    expect(await judge(stranger, 'next')).toBe('keys_unavailable')
    expect(await judge(old)).toBe('valid')
    issuer.trouble = undefined
    await clock.advance(MINUTE)
    expect(await judge(next, 'next')).toBe('valid')
    issuer.trouble = 'refused'
    await clock.advance(25 * HOUR)
    expect(await judge(next, 'next')).toBe('keys_unavailable')
    expect(await judge(old)).toBe('valid')
  })

  it('are mirrored without a token, and wait for no fetch', async () => {
    const { judge, issuer, clock, run } = await checking(both)
    const control = new AbortController()
    const running = run(control.signal)
    issuer.delayMs = 1000
    await settle()
    expect(await judge(old)).toBe('valid')
    await clock.advance(HOUR)
    expect(issuer.requests.length).toBeGreaterThan(5)
    control.abort()
    await running
  })
})

describe('PEM keys alone', () => {
  it('never fetch anything', async () => {
    const { judge, issuer, clock, run } = await checking({ pem: pemOf(old) })
    const control = new AbortController()
    const running = run(control.signal)
    expect(await judge(old)).toBe('valid')
    expect(await judge(next, 'next')).toBe('signature')
    await clock.advance(HOUR)
    control.abort()
    await running
    expect(issuer.requests).toEqual([])
  })
})
