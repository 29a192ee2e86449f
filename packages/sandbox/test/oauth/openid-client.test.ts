import { exportJWK, generateKeyPair } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  type ClientAuth,
  clientCredentialsGrant,
  ClientSecretPost,
  type Configuration,
  discovery,
  type DiscoveryRequestOptions,
  enableNonRepudiationChecks,
  fetchUserInfo,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  PrivateKeyJwt,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Sandbox, type SandboxOptions, sandbox } from '../../src/index.ts'

const redirect_uri = 'http://127.0.0.1:49152/callback'

/** A sandbox on the system's time, which is the time of the client too. */
async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const genesys = await sandbox({ algorithm: 'ES256', autoConsent: true, deviceIntervalSeconds: 1, ...options })
  onTestFinished(() => genesys.close())
  return genesys
}

/** The client as an application would set it up, with signatures of ID tokens checked too. */
async function discovered(
  { url }: Sandbox,
  clientId: string,
  {
    secret,
    auth,
    algorithm,
  }: { secret?: string; auth?: ClientAuth; algorithm?: DiscoveryRequestOptions['algorithm'] } = {},
): Promise<Configuration> {
  const config = await discovery(new URL(url), clientId, secret, auth, {
    execute: [allowInsecureRequests, enableNonRepudiationChecks],
    ...(algorithm !== undefined && { algorithm }),
  })
  return config
}

const asPublic = (genesys: Sandbox): Promise<Configuration> =>
  discovered(genesys, genesys.publicClientId, { auth: None() })
const asConfidential = ({ env, ...genesys }: Sandbox, auth?: ClientAuth): Promise<Configuration> =>
  discovered({ env, ...genesys }, env['GENESYS_CLIENT_ID'] ?? '', {
    secret: env['GENESYS_CLIENT_SECRET'] ?? '',
    ...(auth !== undefined && { auth }),
  })

async function signIn(config: Configuration) {
  const [pkceCodeVerifier, expectedState, expectedNonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()]
  const url = buildAuthorizationUrl(config, {
    redirect_uri,
    scope: 'openid profile offline_access user:read',
    code_challenge: await calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  })
  const { headers } = await fetch(url, { redirect: 'manual' })
  const callback = new URL(headers.get('location') ?? '')
  return authorizationCodeGrant(config, callback, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  })
}

describe('openid-client, unchanged', () => {
  it.each(['oidc', 'oauth2'] as const)('discovers the sandbox by %s', async (algorithm) => {
    const genesys = await startSandbox()
    const config = await discovered(genesys, genesys.publicClientId, { auth: None(), algorithm })
    expect(config.serverMetadata()).toMatchObject({ issuer: genesys.url, token_endpoint: `${genesys.url}/oauth/token` })
    expect(config.serverMetadata().supportsPKCE()).toBe(true)
  })

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'signs a user in with PKCE, state, nonce and an ID token by %s, then refreshes',
    async (algorithm) => {
      const genesys = await startSandbox({ algorithm })
      const config = await asPublic(genesys)
      const tokens = await signIn(config)
      const user = genesys.users[0]
      expect(tokens.claims()).toMatchObject({ iss: genesys.url, sub: user?.id, name: user?.name })
      expect(await fetchUserInfo(config, tokens.access_token, user?.id ?? '')).toMatchObject({ name: user?.name })
      const next = await refreshTokenGrant(config, tokens.refresh_token ?? '')
      expect(next.refresh_token).toMatch(/^sandbox-secret-[\w-]{43}$/)
      await expect(refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
        error: 'invalid_grant',
        status: 400,
      })
    },
  )

  it('signs a device in', async () => {
    const genesys = await startSandbox()
    const config = await asPublic(genesys)
    const device = await initiateDeviceAuthorization(config, { scope: 'openid user:read' })
    expect(device.interval).toBe(1)
    genesys.device({ userCode: device.user_code, approve: true })
    const tokens = await pollDeviceAuthorizationGrant(config, device)
    expect(tokens.claims()).toMatchObject({ sub: genesys.users[0]?.id })
  })

  it('hears that the user of a device said no', async () => {
    const genesys = await startSandbox()
    const config = await asPublic(genesys)
    const device = await initiateDeviceAuthorization(config, {})
    genesys.device({ userCode: device.user_code, approve: false })
    await expect(pollDeviceAuthorizationGrant(config, device)).rejects.toMatchObject({ error: 'access_denied' })
  })

  it('signs out in the browser, and comes back', async () => {
    const genesys = await startSandbox()
    const config = await asPublic(genesys)
    const parameters = { post_logout_redirect_uri: redirect_uri, state: 'here' }
    const { headers } = await fetch(buildEndSessionUrl(config, parameters), { redirect: 'manual' })
    expect(headers.get('location')).toBe(`${redirect_uri}?state=here`)
    const elsewhere = buildEndSessionUrl(config, { post_logout_redirect_uri: 'https://evil.test/' })
    expect((await fetch(elsewhere, { redirect: 'manual' })).headers.get('location')).toBeNull()
  })

  it('introspects and revokes', async () => {
    const genesys = await startSandbox()
    const [ofUser, service] = [await asPublic(genesys), await asConfidential(genesys)]
    const { access_token, refresh_token = '' } = await signIn(ofUser)
    expect(await tokenIntrospection(service, access_token)).toMatchObject({ active: true, sub: genesys.users[0]?.id })
    await tokenRevocation(ofUser, refresh_token)
    expect(await tokenIntrospection(service, access_token)).toEqual({ active: false })
  })

  it('gets tokens for itself by Basic, by the form and by private_key_jwt', async () => {
    const pair = await generateKeyPair('ES256')
    const genesys = await startSandbox({ clients: [{ id: 'signer', keys: [await exportJWK(pair.publicKey)] }] })
    const configs = [
      await asConfidential(genesys),
      await asConfidential(genesys, ClientSecretPost(genesys.env['GENESYS_CLIENT_SECRET'])),
      await discovered(genesys, 'signer', { auth: PrivateKeyJwt(pair.privateKey) }),
    ]
    for (const config of configs) {
      expect(await clientCredentialsGrant(config, { scope: 'guest:read' })).toMatchObject({ scope: 'guest:read' })
    }
  })
})
