/** The real oidc-provider on loopback, with clients of every kind, resource servers, rotation and reuse detection. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Algorithm } from '@guestpass/core'
import { type ClientMetadata, type Configuration, errors, type JWK, Provider } from 'oidc-provider'
import { signingKey } from './keys.ts'
import { type Records, recordsAdapter } from './records.ts'

/** The resource server that access tokens are JWTs for (RFC 8707). Without it they are opaque, and for userinfo alone. */
export const RESOURCE = 'urn:api'
export const SECRET = 'a-secret-of-the-client-with-32-characters'
/** Basic has to form-encode it (RFC 6749, section 2.3.1). */
export const ODD_SECRET = 'a+b%25c:d&e=f with 32 characters and more'
const REDIRECT = 'http://127.0.0.1/callback'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

/** A request to the token endpoint and how it was answered. */
interface TokenRequest {
  readonly grant: string
  readonly client: string
  readonly status: number
  readonly error?: string
  /** The refresh token that was presented. */
  readonly refreshToken?: string
}

export interface OpenidOptions {
  /** Signs ID tokens and access tokens. Default ES256. */
  readonly algorithm?: Algorithm
  /** The public key of the client `signer`, which names itself by private_key_jwt. */
  readonly signer?: JWK
  /** What the assertions of clients may be signed with. Default: what oidc-provider takes. */
  readonly assertionAlgorithms?: Algorithm[]
  readonly accessTokenSeconds?: number
}

export interface Openid {
  readonly issuer: string
  /** The requests to the token endpoint since the start, over all restarts. */
  readonly tokenRequests: readonly TokenRequest[]
  /** Sign-ins that the provider ended, by reuse of a refresh token or by revocation. */
  readonly ended: readonly string[]
  /** Stops listening when every request that is under way has its answer; connections are refused from then on. */
  stop(): Promise<void>
  /** A new provider at the same address, with the records of the one that was stopped. `newKey`: it signs with a new one, and knows no other. */
  start(of?: { readonly newKey: boolean }): Promise<void>
}

export async function openid(options: OpenidOptions = {}): Promise<Openid> {
  const records: Records = new Map()
  const tokenRequests: TokenRequest[] = []
  const ended: string[] = []
  const { algorithm = 'ES256' } = options
  let key = signingKey(algorithm, 'first').privateJwk
  let server: Server | undefined
  let port = 0

  async function start({ newKey } = { newKey: false }): Promise<void> {
    if (newKey) key = signingKey(algorithm, 'second').privateJwk
    const listening = createServer()
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    port = (listening.address() as AddressInfo).port
    const provider = quietly(() => new Provider(issuer(), configuration({ ...options, algorithm }, key, records)))
    provider.on('grant.revoked', (_ctx, grantId) => void ended.push(grantId))
    provider.use(async (ctx, next) => {
      await next()
      if (ctx.path !== '/token' || ctx.oidc === undefined) return
      const { params = {}, client } = ctx.oidc
      const text = (value: unknown): string => (typeof value === 'string' ? value : '')
      const { error } = ctx.body as { error?: string }
      const refreshToken = params['refresh_token']
      tokenRequests.push({
        grant: text(params['grant_type']),
        client: client?.clientId ?? '',
        status: ctx.status,
        ...(error === undefined ? {} : { error }),
        ...(typeof refreshToken === 'string' ? { refreshToken } : {}),
      })
    })
    const answer = provider.callback()
    listening.on('request', (request, response) => {
      // A connection that is kept open could be closed just when a client writes to it, which then cannot know whether it was read.
      response.setHeader('connection', 'close')
      void answer(request, response)
    })
    server = listening
  }
  const issuer = (): string => `http://127.0.0.1:${port}`

  await start()
  return {
    issuer: issuer(),
    tokenRequests,
    ended,
    start,
    async stop() {
      const closing = server
      server = undefined
      if (closing === undefined) return
      await new Promise((resolve) => closing.close(resolve))
    },
  }
}

function configuration(
  {
    algorithm,
    signer,
    assertionAlgorithms,
    accessTokenSeconds = 600,
  }: OpenidOptions & { readonly algorithm: Algorithm },
  key: JWK,
  records: Records,
): Configuration {
  return {
    adapter: recordsAdapter(records),
    clients: clients(algorithm, signer),
    jwks: { keys: [key] },
    cookies: { keys: ['of-a-test'] },
    scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ...(assertionAlgorithms && { enabledJWA: { clientAuthSigningAlgValues: assertionAlgorithms } }),
    pkce: { required: () => true },
    renderError: (ctx, out) => void (ctx.body = `${out.error}: ${out.error_description ?? ''}`),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      ClientCredentials: accessTokenSeconds,
      DeviceCode: 600,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 3_600,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: devicePages,
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (resource !== RESOURCE) throw new errors.InvalidTarget()
          return {
            scope: 'api:read api:write',
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenSeconds,
            jwt: { sign: { alg: algorithm } },
          }
        },
      },
    },
  }
}

/** Pages of the device flow; without them the provider says on the console that its own ones are used. */
const devicePages: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  enabled: true,
  userCodeInputSource: (ctx, form) => void (ctx.body = form),
  userCodeConfirmSource: (ctx, form) => void (ctx.body = `${form}<button name="abort" form="op.deviceConfirmForm">`),
  successSource: (ctx) => void (ctx.body = 'The device is signed in.'),
}

/** `native` clients are sent back to any port of 127.0.0.1. */
function clients(algorithm: Algorithm, signer: JWK | undefined): ClientMetadata[] {
  const user = {
    application_type: 'native',
    redirect_uris: [REDIRECT],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', DEVICE],
    id_token_signed_response_alg: algorithm,
  } satisfies Partial<ClientMetadata>
  const service = {
    client_secret: SECRET,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: algorithm,
  } satisfies Partial<ClientMetadata>
  return [
    { ...user, client_id: 'public', token_endpoint_auth_method: 'none' },
    { ...user, client_id: 'secret', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    { ...service, client_id: 'basic', token_endpoint_auth_method: 'client_secret_basic' },
    { ...service, client_id: 'odd', client_secret: ODD_SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    { ...service, client_id: 'body', token_endpoint_auth_method: 'client_secret_post' },
    ...(signer === undefined
      ? []
      : [
          {
            ...service,
            client_id: 'signer',
            token_endpoint_auth_method: 'private_key_jwt' as const,
            jwks: { keys: [signer] },
          },
        ]),
  ]
}

/** The provider says on the console that it is set up for development, which it is. */
function quietly<T>(make: () => T): T {
  const { info, warn } = console
  Object.assign(console, { info: () => undefined, warn: () => undefined })
  try {
    return make()
  } finally {
    Object.assign(console, { info, warn })
  }
}
