import { inspect } from 'node:util'
import { GuestpassError, Secret } from '@guestpass/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eitherRing, transitKeyRing, type TransitOptions } from '../../examples/vault/transit-key-ring.ts'
import { type Transit, transit } from './transit.ts'

const dataKey = new Uint8Array(32).fill(3)
let vault: Transit
beforeAll(async () => {
  vault = await transit(['guestpass', 'next'])
})
afterAll(() => vault.close())
afterEach(() => {
  vault.condition = 'well'
})

const ring = (more: Partial<TransitOptions> = {}) =>
  transitKeyRing({ address: vault.address, token: new Secret(vault.token), key: 'guestpass', ...more })

/** How it fails: the code, and what is said, in which no token may be. */
async function failure(act: Promise<unknown>): Promise<readonly [code: string, message: string]> {
  const thrown = await act.catch((error: unknown) => error)
  if (!(thrown instanceof GuestpassError)) throw new Error(`not a failure of ours: ${inspect(thrown)}`)
  expect(inspect(thrown, { depth: 9 })).not.toContain(vault.token)
  return [thrown.code, thrown.message]
}

describe('a key ring over a transit engine', () => {
  it('unwraps what it wrapped, for the same purpose, and shows no key in it', async () => {
    const wrapped = await ring().wrap(dataKey, 'a purpose')
    expect(wrapped.wrappedBy).toBe('transit/guestpass')
    expect(Buffer.from(wrapped.bytes).toString()).toMatch(/^vault:v1:/)
    expect(Buffer.from(await ring().unwrap(wrapped, 'a purpose'))).toEqual(Buffer.from(dataKey))
    expect((await failure(ring().unwrap(wrapped, 'another purpose')))[0]).toBe('store_corrupt')
  })

  it('unwraps what a former key of the engine wrapped', async () => {
    const wrapped = await ring().wrap(dataKey, 'p')
    const next = ring({ key: 'next' })
    expect(Buffer.from(await next.unwrap(wrapped, 'p'))).toEqual(Buffer.from(dataKey))
    expect((await next.wrap(dataKey, 'p')).wrappedBy).toBe('transit/next')
  })

  it('unwraps with the ring that wrapped, when a store moves from one to the other', async () => {
    const other = ring({ key: 'next' })
    const both = eitherRing(ring(), other)
    const wrapped = await other.wrap(dataKey, 'p')
    expect(Buffer.from(await both.unwrap(wrapped, 'p'))).toEqual(Buffer.from(dataKey))
    expect((await both.wrap(dataKey, 'p')).wrappedBy).toBe(ring().id)
  })

  it('says what to do when the vault is sealed', async () => {
    vault.condition = 'sealed'
    const [code, message] = await failure(ring().wrap(dataKey, 'p'))
    expect([code, message]).toEqual(['store_unavailable', expect.stringMatching(/sealed.*Unseal/)])
  })

  it('says what to do when the vault cannot be reached, or does not answer in time', async () => {
    vault.condition = 'slow'
    const gone = await transit([])
    await gone.close()
    for (const one of [ring({ timeoutMs: 50 }), ring({ address: gone.address })]) {
      const [code, message] = await failure(one.wrap(dataKey, 'p'))
      expect([code, message]).toEqual([
        'store_unavailable',
        expect.stringMatching(/cannot be reached.*encrypt\/guestpass/),
      ])
    }
  })

  it('says what to do when the vault lacks the key, the engine, or trust in the token', async () => {
    const wrapped = await ring().wrap(dataKey, 'p')
    const failures = [
      await failure(ring({ key: 'unknown' }).wrap(dataKey, 'p')),
      await failure(ring().unwrap({ ...wrapped, wrappedBy: 'transit/unknown' }, 'p')),
      await failure(ring().unwrap({ ...wrapped, wrappedBy: '0123456789abcdef' }, 'p')),
      await failure(ring({ mount: 'elsewhere' }).wrap(dataKey, 'p')),
      await failure(ring({ token: new Secret('hvs.other') }).wrap(dataKey, 'p')),
    ]
    expect(failures).toEqual([
      ['store_wrong_key', expect.stringContaining('encrypt/unknown')],
      ['store_wrong_key', expect.stringContaining('decrypt/unknown')],
      ['store_wrong_key', expect.stringContaining('0123456789abcdef')],
      ['store_unavailable', expect.stringContaining('mount')],
      ['store_unavailable', expect.stringContaining('policy')],
    ])
  })
})
