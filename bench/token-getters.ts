/** How Guestpass and its peers hand out the access token of a service, each as its users would have it. */
import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type ICachePlugin,
  type INetworkModule,
  ProtocolMode,
} from '@azure/msal-node'
import {
  type AccessToken,
  type Clock,
  connection,
  type Random,
  resolveHosts,
  Secret,
  type Store,
} from '@guestpass/core'
import { nodeHttp, nodePlatform } from '@guestpass/core/node'
import { memoize } from '@smithy/property-provider'
import { OAuth2Client } from 'google-auth-library'
import genesys from 'purecloud-platform-client-v2'
import type { AuthorizationServer } from './authorization-server.ts'
import type { Contender } from './race.ts'

/** Where tokens come from. */
export type Server = Pick<AuthorizationServer, 'host' | 'port' | 'url'>

export const CLIENT = { id: 'bench', secret: 'a-secret-for-the-bench' }

/** A token counts as text only: a contender that wraps it must unwrap it in the measured time. */
export function inHand(token: unknown): void {
  if (typeof token !== 'string' || token.length !== 43) throw new Error('there is no token')
}

/** The token request for those peers that leave it to their user. */
async function granted({ url }: Server): Promise<{ token: string; expiresAt: number }> {
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

interface GuestpassParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
}

export async function guestpass({ url }: Server, parts: GuestpassParts): Promise<Contender> {
  const { accessTokens } = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
      client: { id: CLIENT.id, secret: new Secret(CLIENT.secret) },
    },
    { ...parts, http: nodeHttp().http, platform: nodePlatform() },
  )
  return {
    name: 'Guestpass',
    calls: '`connection.accessTokens.token()`',
    role: 'ours',
    once: () => accessTokens.token(),
    take: ({ token }: AccessToken) => inHand(token.reveal()),
  }
}

export async function googleAuth(server: Server): Promise<Contender> {
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
export async function smithy(server: Server): Promise<Contender> {
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
export async function msal({ host, port }: Server, cachePlugin?: ICachePlugin): Promise<Contender> {
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
    ...(cachePlugin && { cache: { cachePlugin } }),
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
  readonly authData: { readonly accessToken: string; readonly tokenExpiryTime: number }
  applyAuthToRequest(request: object, names: readonly string[]): void
}

/** The client of the Genesys SDK, of which a process has one. */
export function genesysClient({ host, port }: Server): typeof genesys.ApiClient.instance & Untyped {
  const client = genesys.ApiClient.instance as typeof genesys.ApiClient.instance & Untyped
  client.config.live_reload_config = false
  client.setGateway({ host, protocol: 'http', port })
  return client
}
