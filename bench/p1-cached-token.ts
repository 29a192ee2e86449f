/** P1: how often a second a cached access token can be had. Everybody got it from the same server before; nobody may ask again. */
import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type INetworkModule,
  ProtocolMode,
} from '@azure/msal-node'
import {
  type AccessToken,
  connection,
  memoryStore,
  resolveHosts,
  Secret,
  systemClock,
  systemRandom,
} from '@guestpass/core'
import { nodeHttp, nodePlatform } from '@guestpass/core/node'
import { memoize } from '@smithy/property-provider'
import { OAuth2Client } from 'google-auth-library'
import genesys from 'purecloud-platform-client-v2'
import { type AuthorizationServer, authorizationServer } from './authorization-server.ts'
import { figures } from './figures.ts'
import { measure } from './measure.ts'
import { type Contender, oneAtATime, race } from './race.ts'

const CLIENT = { id: 'bench', secret: 'a-secret-for-the-bench' }

/** A token is in hand only as text: whoever wraps it must unwrap it in the time measured. */
function inHand(token: unknown): void {
  if (typeof token !== 'string' || token.length !== 43) throw new Error('there is no token')
}

/** The token request for those peers that leave it to their user. */
async function granted({ url }: AuthorizationServer): Promise<{ token: string; expiresAt: number }> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
  })
  const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body })
  const { access_token: token, expires_in: life } = (await answer.json()) as {
    access_token: string
    expires_in: number
  }
  return { token, expiresAt: Date.now() + life * 1_000 }
}

async function guestpass({ url }: AuthorizationServer): Promise<Contender> {
  const clock = systemClock({ unref: true })
  const random = systemRandom()
  const { accessTokens } = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
      client: { id: CLIENT.id, secret: new Secret(CLIENT.secret) },
    },
    { store: memoryStore({ clock }), clock, random, http: nodeHttp().http, platform: nodePlatform() },
  )
  return {
    name: 'Guestpass',
    calls: '`connection.accessTokens.token()`',
    role: 'ours',
    once: () => accessTokens.token(),
    take: ({ token }: AccessToken) => inHand(token.reveal()),
  }
}

async function googleAuth(server: AuthorizationServer): Promise<Contender> {
  const client = new OAuth2Client()
  client.refreshHandler = async () => {
    const { token, expiresAt } = await granted(server)
    return { access_token: token, expiry_date: expiresAt }
  }
  return {
    name: 'google-auth-library',
    calls: '`OAuth2Client.getAccessToken()`, filled by a refresh handler',
    role: 'peer',
    once: () => client.getAccessToken(),
    take: ({ token }: { token?: string | null }) => inHand(token),
  }
}

/** The expiry rule of the AWS SDK: five minutes early. */
async function smithy(server: AuthorizationServer): Promise<Contender> {
  const early = 300_000
  const provider = memoize(
    async () => granted(server),
    ({ expiresAt }) => expiresAt - Date.now() < early,
    ({ expiresAt }) => expiresAt !== undefined,
  )
  return {
    name: '@smithy/property-provider',
    calls: '`memoize(…)()` with the expiry rule of the AWS SDK',
    role: 'peer',
    once: () => provider(),
    take: ({ token }: { token: string }) => inHand(token),
  }
}

/** msal-node speaks https only; its own network port carries its requests to the loopback server. */
async function msal({ host, port }: AuthorizationServer): Promise<Contender> {
  const overLoopback = async (url: string, init: RequestInit): Promise<never> => {
    const answer = await fetch(url.replace('https:', 'http:'), init)
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() } as never
  }
  const networkClient: INetworkModule = {
    sendGetRequestAsync: (url, options) => overLoopback(url, { headers: options?.headers ?? {} }),
    sendPostRequestAsync: (url, options) =>
      overLoopback(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body ?? '' }),
  }
  const app = new ConfidentialClientApplication({
    auth: {
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret,
      authority: `https://${host}:${port}/tenant`,
      knownAuthorities: [`${host}:${port}`],
    },
    system: { networkClient, protocolMode: ProtocolMode.OIDC },
  })
  const request = { scopes: ['guests'] }
  return {
    name: '@azure/msal-node',
    calls: '`acquireTokenByClientCredential(…)`',
    role: 'peer',
    once: () => app.acquireTokenByClientCredential(request),
    take: (result: AuthenticationResult | null) => inHand(result?.accessToken),
  }
}

/** Members of the SDK's client that its types leave out. */
interface Untyped {
  readonly authData: { readonly accessToken: string }
  applyAuthToRequest(request: object, names: readonly string[]): void
}

/**
 * The Genesys SDK has no call that gives a token that is still valid: after the login the text is a member of the client,
 * and requests take it from there whatever its age.
 */
async function genesysSdk({ host, port }: AuthorizationServer): Promise<readonly Contender[]> {
  const client = genesys.ApiClient.instance as typeof genesys.ApiClient.instance & Untyped
  client.config.live_reload_config = false
  client.setGateway({ host, protocol: 'http', port })
  await client.loginClientCredentialsGrant(CLIENT.id, CLIENT.secret)
  const name = 'purecloud-platform-client-v2'
  return [
    {
      name,
      calls: '`ApiClient.applyAuthToRequest(…)`, how its calls get their token; no look at the expiry',
      role: 'peer',
      once() {
        const request = { headers: {} as Record<string, string> }
        client.applyAuthToRequest(request, ['PureCloud OAuth'])
        return request.headers['Authorization']
      },
      take: (header?: string) => inHand(header?.slice('Bearer '.length)),
    },
    {
      name,
      calls: '`ApiClient.authData.accessToken`, reading a member; no look at the expiry',
      role: 'aside',
      once: () => client.authData.accessToken,
      take: inHand,
    },
  ]
}

await measure(async (pace) => {
  const server = await authorizationServer()
  const contenders = [
    await guestpass(server),
    await googleAuth(server),
    await smithy(server),
    await msal(server),
    ...(await genesysSdk(server)),
  ]
  for (const { once, take } of contenders) take((await once(0)) as never)
  const issued = server.issued()
  const rated = await race(contenders, oneAtATime, pace)
  if (server.issued() !== issued) throw new Error('somebody asked for another token: that was not its cache')
  server.close()
  return [figures('P1 cached access token', rated, [{ than: 'best peer', wanted: 2 }])]
})
