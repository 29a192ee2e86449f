import { type Algorithm, type ConnectionOptions, Secret } from '@guestpass/core'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { browser } from '../../openid/browser.ts'
import { signingKey } from '../../openid/keys.ts'
import { REDIRECT, userClient } from '../../openid/product.ts'
import { ODD_SECRET, type Openid, RESOURCE, SECRET } from '../../openid/provider.ts'
import { connect, connectDevice, started } from './started.ts'

const secret = new Secret(SECRET)
const service = { scopes: ['api:read'], tokenParams: { resource: RESOURCE } }

/** Begins a sign-in; the browser brings back its callback. */
async function signedIn(provider: Openid, options: Partial<ConnectionOptions> = {}, denies = false) {
  const connection = await connect(provider, { ...userClient, ...options })
  const { url } = await connection.signIn.begin({ redirectUri: REDIRECT })
  const callback = await browser({ denies }).signIn(url)
  return { connection, callback, done: () => connection.signIn.complete(callback.searchParams) }
}

const refresh = async ({ issuer }: Openid, token = ''): Promise<string> => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'public', refresh_token: token })
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body })
  return ((await answer.json()) as { error: string }).error
}

describe('client credentials at a real provider', () => {
  it.each(['basic', 'body'] as const)('come by %s, where it is set and where it must be found out', async (way) => {
    const provider = await started()
    for (const clientAuth of [way, 'auto'] as const) {
      const { accessTokens } = await connect(provider, { ...service, client: { id: way, secret }, clientAuth })
      const { token, scopes } = await accessTokens.token()
      expect(scopes).toEqual(['api:read'])
      expect(decodeJwt(token.reveal())).toMatchObject({ iss: provider.issuer, aud: RESOURCE, client_id: way })
    }
  })

  it('come by Basic with a secret that must be encoded, and the refusal without names the setting', async () => {
    const provider = await started()
    const odd = { id: 'odd', secret: new Secret(ODD_SECRET) }
    const asked = async (basicEncoding: 'raw' | 'form') =>
      (
        await connect(provider, { ...service, client: { ...odd, basicEncoding }, clientAuth: 'basic' })
      ).accessTokens.token()
    await expect(asked('raw')).rejects.toThrow("`client.basicEncoding: 'form'`")
    expect((await asked('form')).scopes).toEqual(['api:read'])
  })

  it.each<Algorithm>(['RS256', 'ES256', 'EdDSA'])('come by a %s assertion', async (algorithm) => {
    const key = signingKey(algorithm, 'of-the-client')
    const provider = await started({ signer: key.publicJwk })
    const client = { id: 'signer', privateKey: new Secret(key.privatePem) }
    const { accessTokens } = await connect(provider, { ...service, client })
    expect((await accessTokens.token()).scopes).toEqual(['api:read'])
  })

  it('come by a PS256 assertion where the provider takes no other', async () => {
    const key = signingKey('PS256', 'of-the-client')
    const provider = await started({ signer: key.publicJwk, assertionAlgorithms: ['PS256'] })
    const client = { id: 'signer', privateKey: new Secret(key.privatePem) }
    const { accessTokens } = await connect(provider, { ...service, client })
    expect((await accessTokens.token()).scopes).toEqual(['api:read'])
  })

  it('are refused with a wrong secret, which is not shown', async () => {
    const provider = await started()
    const wrong = new Secret('test-secret-wrong-client-3f9c')
    const { accessTokens } = await connect(provider, { ...service, client: { id: 'basic', secret: wrong } })
    const error: unknown = await accessTokens.token().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'client_rejected', upstream: { status: 401, code: 'invalid_client' } })
    expect(String(error)).not.toContain(wrong.reveal())
  })
})

describe('a sign-in at a real provider', () => {
  it('with openid, offline_access and a resource brings who it is, a token for the resource, and a refresh token', async () => {
    const provider = await started()
    const { connection, done } = await signedIn(provider)
    expect(await done()).toMatchObject({ user: 'ada', scopes: ['api:read'], missing: [], excess: [], renewable: true })
    const { token } = await connection.accessTokens.token()
    expect(decodeJwt(token.reveal())).toMatchObject({ sub: 'ada', aud: RESOURCE, scope: 'api:read' })
  })

  it.each<Algorithm>(['RS256', 'PS256', 'EdDSA'])('is verified where the provider signs with %s', async (algorithm) => {
    const provider = await started({ algorithm })
    const { connection, done } = await signedIn(provider)
    expect(await done()).toMatchObject({ user: 'ada', scopes: ['api:read'], renewable: true })
    const { token } = await connection.accessTokens.token()
    expect(decodeProtectedHeader(token.reveal()).alg).toBe(algorithm)
  })

  it('is refused where the provider signs with an algorithm that is not set', async () => {
    const { done } = await signedIn(await started(), { algorithms: ['RS256'] })
    await expect(done()).rejects.toMatchObject({ code: 'token_refused', reason: 'algorithm' })
  })

  it('renews where the resource goes with token requests too', async () => {
    const provider = await started()
    const { connection, done } = await signedIn(provider, { tokenParams: { resource: RESOURCE } })
    await done()
    connection.accessTokens.reportRejected((await connection.accessTokens.token()).token)
    const { token, generation } = await connection.accessTokens.token()
    expect([generation, decodeJwt(token.reveal())]).toMatchObject([2, { aud: RESOURCE, scope: 'api:read' }])
  })

  it('without a resource brings an opaque token', async () => {
    const provider = await started()
    const options = { authorizeParams: { prompt: 'consent' }, scopes: ['openid', 'offline_access'] }
    const { connection, done } = await signedIn(provider, options)
    expect(await done()).toMatchObject({ user: 'ada', renewable: true, missing: [] })
    expect((await connection.accessTokens.token()).token.reveal()).toMatch(/^[\w-]{43}$/)
  })

  it('is kept by a client with a secret too', async () => {
    const provider = await started()
    const { done } = await signedIn(provider, { client: { id: 'secret', secret } })
    expect(await done()).toMatchObject({ user: 'ada', renewable: true })
  })

  it('reports that the user refused', async () => {
    const { done } = await signedIn(await started(), {}, true)
    await expect(done()).rejects.toMatchObject({ code: 'sign_in_denied' })
  })

  it.each<[string, Partial<ConnectionOptions>, string]>([
    ['a resource that it does not know', { authorizeParams: { resource: 'urn:other' } }, 'Check the resource in'],
    ['a page that it may not show', { authorizeParams: { prompt: 'none' } }, 'Take prompt=none out'],
  ])('is refused for %s, with what the provider said and what to do', async (_, options, message) => {
    const { done } = await signedIn(await started(), options)
    await expect(done()).rejects.toMatchObject({ code: 'sign_in_refused', reason: 'upstream' })
    await expect(done()).rejects.toThrow(message)
    await expect(done()).rejects.toThrow(/upstream answered (invalid_target|login_required) \(.+\)\. /)
  })

  it('exchanges its code once', async () => {
    const provider = await started()
    const { done } = await signedIn(provider)
    await Promise.all([done(), done()])
    expect(provider.tokenRequests).toEqual([{ grant: 'authorization_code', client: 'public', status: 200 }])
  })

  it('on another device brings the same', async () => {
    const provider = await started()
    const { deviceSignIn } = await connectDevice(provider, userClient)
    const pages: Promise<string>[] = []
    const outcome = await deviceSignIn.run({
      show: ({ verificationUriComplete }) => void pages.push(browser().decideDevice(verificationUriComplete ?? '')),
    })
    expect(outcome).toMatchObject({ user: 'ada', scopes: ['api:read'], renewable: true })
    expect(await Promise.all(pages)).toEqual([expect.stringContaining('The device is signed in')])
  })

  it('on another device reports that the user refused', async () => {
    const { deviceSignIn } = await connectDevice(await started(), userClient)
    const pages: Promise<string>[] = []
    const show = ({ verificationUriComplete = '' }) =>
      void pages.push(browser({ denies: true }).decideDevice(verificationUriComplete))
    await expect(deviceSignIn.run({ show })).rejects.toMatchObject({ code: 'sign_in_denied' })
    await Promise.all(pages)
  })

  it('ends at the provider when it is signed out', async () => {
    const provider = await started()
    const { connection, done } = await signedIn(provider)
    await done()
    const { token } = await connection.accessTokens.token()
    connection.accessTokens.reportRejected(token)
    await connection.accessTokens.token()
    expect(await connection.signOut()).toMatchObject({ upstream: 'done' })
    expect(provider.ended).toHaveLength(1)
    expect(await refresh(provider, provider.tokenRequests.at(-1)?.refreshToken)).toBe('invalid_grant')
  })
})
