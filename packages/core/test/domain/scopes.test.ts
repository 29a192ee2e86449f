import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { lackedScopes, missingScopes, scopeList } from '../../src/domain/scopes.ts'

it('scopes are read from a text or a list, each once, in their order', () => {
  expect(scopeList('b a  b ')).toEqual(['b', 'a'])
  expect(scopeList(['b', 'a', '', 'b'])).toEqual(['b', 'a'])
  expect(scopeList('')).toEqual([])
  expect(scopeList('b,a, c\nb')).toEqual(['b', 'a', 'c'])
})

it('scopes of a sign-in are never required of an access token', () => {
  const ofSignIn = ['openid', 'offline_access', 'profile', 'email', 'address', 'phone']
  expect(lackedScopes([...ofSignIn, 'api:read'], ['api:write'])).toEqual(['api:read'])
  expect(missingScopes(['email'], [])).toEqual(['email'])
})

it('a scope is missing unless it was granted whole', () => {
  expect(missingScopes(['guest:read'], ['guest:read:all', 'xguest:read', 'guest'])).toEqual(['guest:read'])
  expect(missingScopes(['guest'], ['guest:read', 'guest:write'])).toEqual(['guest'])
  expect(missingScopes(['guest:read'], ['guest:write', 'guest:read'])).toEqual([])
  expect(missingScopes(['GUEST:READ'], ['guest:read'])).toEqual(['GUEST:READ'])
})

it('what is missing and what was granted never overlap', () => {
  const scopes = fc.array(fc.constantFrom<string>('a', 'ab', 'b', 'a:b', 'a:b:c'))
  fc.assert(
    fc.property(scopes, scopes, (wanted, granted) => {
      const missing = missingScopes(wanted, granted)
      expect(missing.some((scope) => granted.includes(scope))).toBe(false)
      expect(wanted.every((scope) => missing.includes(scope) || granted.includes(scope))).toBe(true)
    }),
  )
})
