import { expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { withHints } from '../../../src/upstream/oauth/refusal-hints.ts'
import type { OAuthClient, ClientAuthMethod } from '../../../src/upstream/oauth/client.ts'
import { explainToken } from '../../../src/upstream/oauth/wire.ts'

const client: OAuthClient = { id: 'web', secret: new Secret('a-secret') }
const gateway = 'https://id.example.com/token'

it('advises a public client to sign in if it may not get tokens of its own', () => {
  const explain = (method: ClientAuthMethod) =>
    withHints(explainToken, { client, to: 'clientToken', url: gateway, method })({
      status: 400,
      code: 'unauthorized_client',
      message: '',
    })?.message
  expect(explain('none')).toMatch(/by the sign-in of a user: sign in first/)
  expect(explain('body')).not.toMatch(/sign in first/)
})

const said = (of: { client?: OAuthClient; method: ClientAuthMethod; url?: string }): string | undefined =>
  withHints(explainToken, { client, to: 'clientToken', url: gateway, ...of })({
    status: 401,
    code: 'invalid_client',
    message: '',
  })?.message

it.each<[string, Parameters<typeof said>[0], RegExp]>([
  [
    'a wrong region on the platform',
    { method: 'basic', url: 'https://login.mypurecloud.ie/oauth/token' },
    /`client\.secret`, and that the region is the organisation's own/,
  ],
  ['the server elsewhere', { method: 'body' }, /`client\.secret`, and that they are of id\.example\.com$/],
  [
    'the encoding of Basic',
    { method: 'basic', client: { id: 'web', secret: new Secret('a+b') } },
    /`client\.basicEncoding: 'form'`$/,
  ],
  ['a secret that is missing', { method: 'none', client: { id: 'web' } }, /has a secret, set `client\.secret`$/],
  [
    'the public key',
    { method: 'private_key_jwt' },
    /knows the public key of `client\.privateKey`\. Check the clock of this machine/,
  ],
])('advises a refused client to check %s', (_, of, advice) => {
  expect(said(of)).toMatch(advice)
})
