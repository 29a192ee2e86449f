import { describe, expect, it } from 'vitest'
import { MINUTE } from '../../../src/domain/time.ts'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { json } from '../../world/fake-upstream.ts'
import { refusal, world } from '../../world/world.ts'

const [OLD, NEW] = ['https://old.example/realm', 'https://new.example/realm'] as const
const redirect = { redirectUri: 'http://127.0.0.1/cb' }

/** Two providers that know the same client, and users by the same names; what is sent to each. */
function providers() {
  const here = world()
  const sent: string[] = []
  const of = { sent, user: 'ann' }
  const http = async (request: HttpRequest) => {
    request.onSend?.()
    const { host, pathname } = new URL(request.url)
    if (pathname.endsWith('/users/me')) return json(200, { id: of.user })
    const issuer = `https://${host}/realm`
    if (request.method === 'GET')
      return json(200, {
        issuer,
        token_endpoint: `${issuer}/token`,
        authorization_endpoint: `${issuer}/auth`,
        revocation_endpoint: `${issuer}/revoke`,
        jwks_uri: `${issuer}/jwks`,
      })
    sent.push(`${host} ${pathname.replace('/realm', '')}`)
    return json(200, { access_token: `access of ${host}`, refresh_token: `refresh of ${host}`, expires_in: 600 })
  }
  const at = (issuer: string) =>
    here.process({ hosts: resolveHosts({ issuer, apiBaseUrl: 'https://api.example' }) }, { http })
  async function signIn(issuer: string) {
    const made = await at(issuer)
    const { url } = await made.signIn.begin(redirect)
    await made.signIn.complete(new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' }))
    return made
  }
  return Object.assign(of, here, { at, signIn })
}

describe('a sign-in, after a change of the issuer', () => {
  it('is served to no API of the new issuer, nor refreshed or revoked there', async () => {
    const of = providers()
    await of.signIn(OLD)
    of.sent.length = 0
    const { accessTokens, signOut } = await of.at(NEW)
    for (const minutes of [0, 9, 11]) {
      await of.clock.advance(minutes * MINUTE)
      const error = await refusal(accessTokens.token())
      expect([error.code, error.message]).toEqual(['config_invalid', expect.stringContaining('`hosts.issuer`')])
    }
    expect(await signOut()).toMatchObject({ upstream: 'failed', local: 'done' })
    expect(of.sent).toEqual([])
  })

  it('goes on where the issuer is set back', async () => {
    const of = providers()
    await of.signIn(OLD)
    await of.clock.advance(9 * MINUTE)
    await refusal((await of.at(NEW)).accessTokens.token())
    expect((await (await of.at(OLD)).accessTokens.token()).token.reveal()).toBe('access of old.example')
    expect((await (await of.at(OLD)).signOut()).upstream).toBe('done')
  })

  it('is replaced by one at the new issuer, of whichever user there', async () => {
    const of = providers()
    await of.signIn(OLD)
    of.user = 'eve'
    const { accessTokens } = await of.signIn(NEW)
    expect((await accessTokens.token()).token.reveal()).toBe('access of new.example')
    of.user = 'ann'
    expect(await refusal(of.signIn(NEW))).toMatchObject({ reason: 'identity' })
  })
})
