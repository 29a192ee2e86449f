import { describe, expect, it } from 'vitest'
import { attacks } from './attacks.ts'
import { checker, claims, named, outcome, platforms, rsaPair, token } from './material.ts'

const ALL = { algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] } as const
const rsa = rsaPair()

describe.each(platforms)('On the %s platform', (_name, platform) => {
  attacks({
    verifying: (keys) => checker(platform, keys, ALL),
    usable: async (jwk) => (await platform.maker.fromJwk(jwk)).length,
  })

  const check = checker(platform, [named(rsa)])
  const judge = async (text: string): Promise<string> => outcome(await check(text))

  it('looks at the members of the token alone, whatever members prototypes have', async () => {
    const prototype = Object.prototype as Record<string, unknown>
    const { exp, ...rest } = claims()
    try {
      Object.assign(prototype, { exp, alg: 'RS256', sub: 'admin', iss: 'them' })
      expect(await judge(token(rest, rsa))).toBe('missing_exp')
      expect(await judge(token(claims(), rsa, '{"kid":"one"}'))).toBe('algorithm')
      expect(outcome(await check(token(claims({ sub: undefined }), rsa), { subject: 'admin' }))).toBe('subject')
    } finally {
      for (const name of ['exp', 'alg', 'sub', 'iss']) delete prototype[name]
    }
  })
})
