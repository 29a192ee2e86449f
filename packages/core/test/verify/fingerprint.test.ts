import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../src/verify/fingerprint.ts'
import { b64, claims, ecPair, platforms, token } from './material.ts'

const ec = ecPair()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
const tokenOf = (payload: object, signature = 'AAAA'): string => `${b64({ alg: 'RS256' })}.${b64(payload)}.${signature}`

describe.each(platforms)('A fingerprint on the %s platform', (_name, platform) => {
  const print = async (text: string): Promise<string> => fingerprint(text, platform)

  it('is the SHA-256 of what was signed when there is no id', async () => {
    const one = token(claims(), ec)
    expect(await print(one)).toBe(sha256(one.slice(0, one.lastIndexOf('.'))))
  })

  it('is the same for every signature under one text', async () => {
    const [one, two] = [token(claims(), ec), token(claims(), ec)]
    expect(one).not.toBe(two)
    expect(await print(one)).toBe(await print(two))
  })

  it('is that of issuer and id when the token has both, whatever else it says', async () => {
    const both = { iss: 'https://login.example.com', jti: 'a-1' }
    expect(await print(tokenOf({ ...both, sub: 'x' }))).toBe(await print(tokenOf({ ...both, sub: 'y' })))
    expect(await print(tokenOf(both))).not.toBe(await print(tokenOf({ ...both, jti: 'a-2' })))
    expect(await print(tokenOf(both))).not.toBe(await print(tokenOf({ ...both, iss: 'https://other.example.com' })))
    expect(await print(tokenOf(both))).toBe(sha256('25:https://login.example.com3:a-1'))
  })

  it.each([{ jti: '' }, { jti: 7 }, { jti: null }, { iss: '' }, { iss: ['a'] }, { jti: '\ud800' }, { iss: 'a\udc00' }])(
    'does not take %j for an id',
    async (odd) => {
      const one = tokenOf({ iss: 'a', jti: 'b', ...odd })
      expect(await print(one)).toBe(sha256(one.slice(0, one.lastIndexOf('.'))))
    },
  )

  it('is that of the whole text when the token is opaque', async () => {
    for (const opaque of ['4Yk0-opaque', 'a.b', 'a.b.c', 'a.b.c.d', '']) {
      expect(await print(opaque)).toBe(sha256(opaque))
    }
  })
})

describe('Fingerprints', () => {
  const [, platform] = platforms[0] as (typeof platforms)[0]

  it('of two pairs of issuer and id never meet', () => {
    const id = fc.string({ minLength: 1, unit: fc.constantFrom('a', '1', ':', '2', 'é') })
    fc.assert(
      fc.property(id, id, id, id, (iss, jti, otherIss, otherJti) => {
        const same = iss === otherIss && jti === otherJti
        const one = fingerprint(tokenOf({ iss, jti }), platform)
        expect(one === fingerprint(tokenOf({ iss: otherIss, jti: otherJti }), platform)).toBe(same)
      }),
      { numRuns: 2000 },
    )
  })
})
