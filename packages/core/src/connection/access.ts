import { accessTokenId } from '../domain/credential-ids.ts'
import { lengthPrefixed } from '../domain/length-prefix.ts'
import type { RenewalWindows } from '../domain/plan.ts'
import { clientScopes } from '../domain/scopes.ts'
import type { Secret } from '../domain/secret.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { createKeyedStates } from '../policy/keyed-states.ts'
import type { Policy } from '../policy/pipeline.ts'
import type { Meter } from '../ports/meter.ts'
import type { Store } from '../ports/store.ts'
import { createAccessTokens, type CredentialSource, type TokenSource } from '../tokens/access/access-tokens.ts'
import { createClientCredentials } from '../tokens/access/client-credentials.ts'
import { type DeviceSignIn, createDeviceSignIn } from '../tokens/sign-in/device-sign-in.ts'
import { type Grant, createGrant } from '../tokens/sign-in/grant.ts'
import { createTokenAcceptor } from '../tokens/access/accept-tokens.ts'
import { createRejections } from '../tokens/access/rejections.ts'
import { createRenewal, type RenewalPorts } from '../tokens/renewal/renewal.ts'
import { signInEpoch } from '../tokens/access/sign-in-epoch.ts'
import { type SignIn, createSignIn } from '../tokens/sign-in/sign-in.ts'
import { type SignOut, createSignOut } from '../tokens/sign-in/sign-out.ts'
import { createAccessEventRecorder } from '../tokens/access/event-recorder.ts'
import type { Network } from '../upstream/answer.ts'
import type { Hosts } from '../upstream/hosts.ts'
import { createOAuth } from '../upstream/oauth/provider.ts'
import type { OAuth } from '../upstream/oauth/oauth-api.ts'
import type { OAuthClient, ClientAuthMethod } from '../upstream/oauth/client.ts'
import type { AuthorizationServer } from '../upstream/oauth/server.ts'
import { type ExtraParams, pairsOf } from '../upstream/oauth/params.ts'
import type { Platform } from '../verify/platform.ts'
import { storedFact, type Verification } from './verification.ts'

/** How a connection gets access tokens. */
export interface AccessOptions {
  /** The addresses of the upstream. Make them with `resolveHosts`. */
  readonly hosts: Hosts
  /** The OAuth client: its id, and its secret or private key. */
  readonly client: OAuthClient
  /**
   * How the client authenticates (RFC 6749, 2.3). Default: `auto`, the private key if there is one, else
   * Basic on the platform's hosts and the form body elsewhere.
   */
  readonly clientAuth?: 'auto' | ClientAuthMethod
  /**
   * More parameters of authorization requests, as `prompt`, `audience`, `org`. Parameters that a request sets
   * itself are refused.
   */
  readonly authorizeParams?: ExtraParams
  /**
   * More parameters of token requests, as `resource`, `audience`. Parameters that a request sets itself are
   * refused.
   */
  readonly tokenParams?: ExtraParams
  /**
   * The scopes of the service's access token. Default: each API gets a token of its own with the scopes that
   * it needs; a sign-in has all its scopes.
   */
  readonly scopes?: readonly string[]
  /** Whether access tokens are JWTs, which are verified. Default: `auto`, those that look like a JWT. */
  readonly accessTokenFormat?: 'auto' | 'jwt' | 'opaque'
  /**
   * A refresh token that starts the grant if none is stored, or if the stored one has ended and this token is
   * new.
   */
  readonly refreshToken?: Secret
  /**
   * What the upstream does with a refresh token that is presented twice. `strict`: it ends the grant.
   * `grace`: within `graceMs` it gives the same answer again. Default: `strict`.
   */
  readonly refreshProfile?: 'strict' | 'grace'
  /** The time of `grace`, in milliseconds, at least 0. Default: 30 s. */
  readonly graceMs?: Millis
}

export interface AccessParts {
  readonly connection: string
  readonly meter: Meter
  readonly windows: RenewalWindows
  /** The pipeline of token requests. */
  readonly policy: Policy
  readonly network: Network
  readonly platform: Platform
  readonly verification: Verification
  readonly server: AuthorizationServer
}

export interface Access {
  readonly grant: Grant
  readonly signIn: SignIn
  readonly deviceSignIn: DeviceSignIn
  readonly signOut: SignOut
  /** Sends one request to the API; see `Connection.probe`. */
  readonly probe: OAuth['probe']
  /**
   * Gives a source of access tokens: of the sign-in if there is one, else by client credentials with these
   * scopes. An empty list asks for the default scopes of the server (RFC 6749, 3.3). Equal scopes share one
   * source.
   */
  source(scopes: readonly string[]): TokenSource
}

/** Composes how one connection gets access tokens. */
export function createAccess(
  options: AccessOptions,
  parts: AccessParts,
  ports: RenewalPorts & { readonly store: Store },
): Access {
  const { connection, meter, windows, platform, verification } = parts
  const { scopes: wanted, refreshToken: seed, refreshProfile = 'strict' } = options
  const { accessKeys: keys, accessKeysAssumed, issuerClock, accessTokens: verifier } = verification
  const format = options.accessTokenFormat ?? 'auto'
  const checks = { verifier, keys, keysAssumed: accessKeysAssumed, issuerClock }
  const issuer = async (): Promise<string | undefined> => (await parts.server.expected()).issuer
  const acceptor = createTokenAcceptor({ connection, format, ...checks, issuer, windows, random: ports.random })
  const recorder = createAccessEventRecorder({ connection, meter }, ports.random)
  const oauth = oauthOf(options, parts, ports.store)
  const shared = { connection, oauth, acceptor, recorder, windows }
  const digest = async (text: string): Promise<string> => platform.sha256(text)
  const signedIn = createGrant(
    {
      ...shared,
      ...(wanted ? { scopes: wanted } : {}),
      ...(seed ? { seed } : {}),
      ...(refreshProfile === 'grace' ? { graceMs: options.graceMs ?? 30 * SECOND } : {}),
      digest,
    },
    ports,
  )

  /** Each set of scopes has a token of its own. */
  const refusing = createRejections(ports.clock)
  const sources = createKeyedStates((): { source?: TokenSource } => ({}))
  const sourceOf = (asked: readonly string[]): TokenSource => {
    let own: CredentialSource | undefined
    const byCredentials = async (): Promise<CredentialSource> => {
      const scopes = clientScopes(asked)
      const id = accessTokenId(await platform.sha256(shapeOf(options, scopes)))
      const strategy = createClientCredentials({ ...shared, id, scopes }, ports)
      return (own ??= { id, current: createRenewal({ connection, id }, strategy, ports).current })
    }
    const choose = async () => ((await signedIn.exists()) ? signedIn : (own ?? byCredentials()))
    const epoch = signInEpoch(ports.store, connection)
    return createAccessTokens({ choose, meter, windows, epoch, rejections: refusing }, ports)
  }

  const scopes = wanted ?? []
  const signInParts = { ...shared, verifier, keys, issuerNow: issuerClock.now, scopes, digest }

  return {
    grant: signedIn,
    signIn: createSignIn(signInParts, ports),
    deviceSignIn: createDeviceSignIn(signInParts, ports),
    signOut: createSignOut(shared, ports),
    probe: oauth.probe,
    source: (asked) => {
      const one = sources(connection, lengthPrefixed([...asked].sort()))
      return (one.source ??= sourceOf(asked))
    },
  }
}

/**
 * Joins every input that shapes a token by client credentials, so that different inputs never share a row.
 */
function shapeOf({ hosts, client, tokenParams }: AccessOptions, asked: readonly string[]): string {
  const params = pairsOf(tokenParams)
  const extra = params.length === 0 ? undefined : lengthPrefixed(params.flat())
  const issuer = hosts.issuer === undefined ? [] : [hosts.issuer]
  return lengthPrefixed([hosts.oauth, client.id, 'client_credentials', [...asked].sort().join(' '), extra, ...issuer])
}

/** The calls of the OAuth server. The store remembers how the client authenticates. */
function oauthOf(
  { hosts, client, clientAuth = 'auto', authorizeParams, tokenParams }: AccessOptions,
  { connection, server, policy, network }: AccessParts,
  store: Store,
): OAuth {
  const { issuer, own, platformLogin: platform } = hosts
  const method = storedFact(store, connection, issuer === undefined ? 'client-auth' : `client-auth:${issuer}`)
  const api = hosts.api === undefined ? {} : { api: hosts.api }
  const endsByApi = platform && !own.includes('revocation')
  return createOAuth(
    { connection, server, ...api, client, clientAuth, authorizeParams, tokenParams, platform, endsByApi },
    policy,
    network,
    { recall: async () => methodOf(await method.load()), remember: method.save },
  )
}

const methodOf = (value: unknown): ClientAuthMethod | undefined =>
  value === 'basic' || value === 'body' ? value : undefined
