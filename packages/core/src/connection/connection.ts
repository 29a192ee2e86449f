import { type Access, createAccess, type AccessParts } from './access.ts'
import { connectionSchema, type ConnectionOptions, connectionPorts, type ConnectionPorts } from './options.ts'
import { checkedConnection } from '../domain/connection-name.ts'
import { checkOptions } from '../domain/options.ts'
import { defaultWindows, type RenewalWindows } from '../domain/plan.ts'
import type { Millis } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import type { Guests } from '../guests/guests.ts'
import { createListeners } from '../guests/events/listeners.ts'
import { guestCode, createGuestsOnDemand } from './guests-on-demand.ts'
import { keyPlaces } from './key-places.ts'
import { type OAuthServer, oauthServerOf } from './oauth-server.ts'
import type { AccessSource } from '../policy/authorize.ts'
import { type FailedTries, createFailedTries } from '../policy/failed-tries.ts'
import type { Policy } from '../policy/pipeline.ts'
import { type StandardLayers, standardLayers, standardPolicy } from '../policy/standard.ts'
import type { WorkerObserver } from '../ports/worker.ts'
import { type Meters, createMeters } from '../report/meters.ts'
import type { RenewalPorts } from '../tokens/renewal/renewal.ts'
import type { AccessTokens, TokenSource } from '../tokens/access/access-tokens.ts'
import type { DeviceSignIn } from '../tokens/sign-in/device-sign-in.ts'
import type { Grant } from '../tokens/sign-in/grant.ts'
import { type StoredRejections, createStoredRejections } from '../tokens/access/stored-rejections.ts'
import { requireScopes } from '../tokens/access/required-scopes.ts'
import type { SignIn } from '../tokens/sign-in/sign-in.ts'
import type { SignOut } from '../tokens/sign-in/sign-out.ts'
import type { Hosts } from '../upstream/hosts.ts'
import type { KeySource } from '../verify/keys.ts'
import type { Verifier } from '../verify/verdict.ts'
import { createSourceOnDemand } from './source-on-demand.ts'
import { type ConnectionVerification, storedFact, verificationOf } from './verification.ts'

export type { ConnectionOptions, ConnectionPorts } from './options.ts'

/**
 * A connection to one upstream organisation with one OAuth client. Made by `connection`. To end it, abort its
 * workers, await `idle()`, then close the ports and the store.
 */
export interface Connection {
  /** The name of the options, default `default`. In a store, each name has guests and tokens of its own. */
  readonly name: string
  /**
   * The access tokens for calls of the upstream's APIs. `token` gives one with `ConnectionOptions.scopes`,
   * else with the scopes that the server grants by default.
   */
  readonly accessTokens: AccessTokens
  /** The stored sign-in of a user: whether there is one, and its renewal before it expires. See `keepAlive`. */
  readonly grant: Pick<Grant, 'exists' | 'keepAlive'>
  /** Signs a user in by the authorization code flow with PKCE (RFC 6749, 4.1; RFC 7636). */
  readonly signIn: Pick<SignIn, 'begin' | 'complete'>
  /** Signs a user in on another device (RFC 8628). */
  readonly deviceSignIn: DeviceSignIn
  /** Revokes the grant upstream (RFC 7009) and ends it here. */
  readonly signOut: SignOut
  /** Issues, renews, finds, revokes and erases guests. */
  readonly guests: Guests
  /** Checks guest tokens of this connection, their revocation included. */
  readonly verifier: Verifier
  /** The keys that sign guest tokens. */
  readonly keys: KeySource
  /** The keys that sign access tokens and ID tokens. They are `keys` if no others are known. */
  readonly accessKeys: KeySource
  /**
   * Keeps the key-sets up to date until the signal aborts, then resolves. Run it in every process that lives
   * longer than a few minutes: it then refuses a withdrawn key within ten minutes. `observer.failed` gets
   * each fetch that fails.
   */
  run(signal: AbortSignal, observer?: WorkerObserver): Promise<void>
  /**
   * Sends one request to the API, `GET /api/v2/users/me`, to learn whether it can be reached now.
   *
   * @param token an access token to send. Default: none
   * @returns the status of an answer below 500: 401 if the API refused the token or needs one. Undefined if
   *   the hosts name no API
   * @throws `upstream_unavailable` if the API cannot be reached or fails, and `deadline_exceeded`
   */
  probe(token?: Secret): Promise<number | undefined>
  /** By how many milliseconds the issuer's clock is ahead of this process; negative when it is behind. */
  issuerOffset(): Millis
  /** Counters and durations of the calls of this process, for your metrics, and for `KeeperParts.meter`. */
  readonly meters: Meters
  /**
   * Resolves when no renewal is running, background renewals included. Await it before you close the store: a
   * refresh token whose successor is not stored is lost.
   */
  idle(): Promise<void>
}

/**
 * Opens a connection to one upstream organisation with one OAuth client. It sends nothing until a method
 * needs an answer.
 *
 * `options`: the addresses of the upstream, the OAuth client, and optional settings. `ports`: a store, and
 * the clock, randomness, HTTP and cryptography of `nodePorts()` or `webPorts()`.
 *
 * Rejects with `config_invalid`; `fields` then lists every wrong option.
 *
 * @example
 * ```ts
 * import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const { guests } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * console.log(`${(await guests.list()).guests.length} guests so far`)
 * await ports.close()
 * ```
 */
export async function connection(options: ConnectionOptions, ports: ConnectionPorts): Promise<Connection> {
  checkOptions('connection', ['options', options, await connectionSchema(options)], ['ports', ports, connectionPorts])
  const parts = await partsOf(options, ports)
  const { name, meter, checks, renewalPorts, tokenTries } = parts
  const tokens = createAccess(options, accessParts(parts), { ...renewalPorts, onFailedTry: tokenTries.report })
  const { grant, signIn, deviceSignIn, signOut, probe } = tokens
  const { keys, accessKeys, guestTokens: verifier, run, issuerClock } = checks
  return {
    name,
    accessTokens: accessTokensOf(name, options.scopes, tokens.source),
    grant,
    signIn,
    deviceSignIn,
    signOut,
    guests: guestsOf(parts, tokens),
    verifier,
    keys,
    accessKeys,
    run,
    probe,
    issuerOffset: issuerClock.offset,
    meters: meter,
    idle: () => idle(renewalPorts.underway),
  }
}

/** What the access tokens and the guests of one connection share. */
interface ConnectionParts {
  readonly name: string
  readonly options: ConnectionOptions
  readonly ports: ConnectionPorts
  readonly windows: RenewalWindows
  readonly meter: Meters
  readonly server: OAuthServer
  readonly checks: ConnectionVerification
  readonly layers: StandardLayers
  readonly renewalPorts: RenewalPorts & { readonly underway: Set<Promise<unknown>> }
  /** The failed tries of access tokens, for callers that wait for one. */
  readonly tokenTries: FailedTries
}

async function partsOf(options: ConnectionOptions, ports: ConnectionPorts): Promise<ConnectionParts> {
  const { hosts, publicKey, issuer, policy = {}, windows = defaultWindows } = options
  const { store, clock, random, holder = random.uuid(), onUnsaved, unsavedMs } = ports
  const name = checkedConnection(options.name ?? 'default')
  const server = oauthServerOf(name, hosts, ports, issuer)
  const checks = await verificationOf({ ...options, ...keyPlaces(publicKey, hosts, server.keySet) }, ports)
  const issuerNow = checks.issuerClock.now
  const underway = new Set<Promise<unknown>>()
  return {
    name,
    options,
    ports,
    windows,
    meter: createMeters(),
    server,
    checks,
    layers: standardLayers(policy, { clock, random, store }),
    renewalPorts: { store, clock, random, holder, issuerNow, onUnsaved, unsavedMs, underway },
    tokenTries: createFailedTries(),
  }
}

const accessParts = ({ name, ports, windows, meter, server, checks, layers }: ConnectionParts): AccessParts => ({
  connection: name,
  meter,
  windows,
  policy: standardPolicy(layers),
  network: ports,
  platform: ports.platform,
  verification: checks,
  server,
})

/** The guests of the connection. Their code is loaded when the first call needs it. */
function guestsOf(parts: ConnectionParts, { grant, source }: Access): Guests {
  const { name, options, ports, windows, meter, checks, renewalPorts, tokenTries } = parts
  const { hosts, gateway = false } = options
  const listeners = createListeners(() => meter.count('listener_failed'))
  const { keys, issuerClock, guestTokens: verifier, storedTokens } = checks
  const guestParts = {
    options,
    connection: name,
    // Without an address `requireGuestApi` refuses every call before anything is sent.
    api: hosts.api ?? '',
    network: ports,
    platform: ports.platform,
    policyFor: guestPolicies(parts, source),
    listeners,
    verifier,
    storedTokens,
    keys,
    issuerClock,
    windows,
    meter,
    random: ports.random,
    isSignedIn: grant.exists,
    ensureAvailable: () => requireGuestApi(hosts, gateway),
    watchAccessTokens: tokenTries.watch,
  }
  return createGuestsOnDemand(
    async () => (await guestCode()).createConnectionGuests(guestParts, renewalPorts),
    listeners,
  )
}

/** The policy of a guest API's calls: the standard layers, and an access token that has the needed scopes. */
function guestPolicies(
  { name, options, ports, layers, tokenTries }: ConnectionParts,
  source: Access['source'],
): (needed: readonly string[], asked?: readonly string[]) => Policy {
  const { scopes, hosts } = options
  const { clock, store, platform } = ports
  const notes = createStoredRejections({ clock, digest: platform.sha256, ...storedFact(store, name, 'refused-tokens') })
  const use = { origin: hosts.api === undefined ? '' : new URL(hosts.api).origin, notes, watch: tokenTries.watch }
  return (needed, asked = needed) =>
    standardPolicy(layers, accessSource(requireScopes(source(scopes ?? asked), needed, name), use))
}

async function idle(underway: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (underway.size > 0) await Promise.allSettled(underway)
}

/** `wanted`: the scopes that the options of the connection name; undefined where they name none. */
const accessTokensOf = (
  name: string,
  wanted: readonly string[] | undefined,
  sourceOf: (asked: readonly string[]) => TokenSource,
): AccessTokens => ({
  ...sourceOf(wanted ?? []),
  for(what) {
    if (typeof what !== 'string') return requireScopes(sourceOf(what.scopes), what.scopes, name)
    // The scopes of an API are in the code for guests.
    return createSourceOnDemand(async () => {
      const needed = (await guestCode()).scopesOf(what)
      return requireScopes(sourceOf(wanted ?? needed), needed, name)
    })
  },
})

/** A token source as the authorization layer of a policy takes it. */
const accessSource = (
  { token, reportRejected, reportAccepted }: TokenSource,
  {
    origin,
    notes,
    watch,
  }: { readonly origin: string; readonly notes: StoredRejections; readonly watch: FailedTries['watch'] },
): AccessSource => ({
  watch,
  token: async (signal) => (await token({ signal })).token,
  async rejected(refused, name) {
    if (await notes.isRejected(name, refused)) return false
    const isRenewed = reportRejected(refused, { origin, name })
    if (isRenewed === false) await notes.record(name, refused)
    return isRenewed
  },
  accepted(taken, name) {
    reportAccepted?.(taken, { origin, name })
    void notes.forget(name)
  },
})

/**
 * Throws where the hosts offer no guest API: `config_invalid` without an address, `api_not_public` on the
 * public platform.
 */
function requireGuestApi(hosts: Hosts, gateway: boolean): void {
  if (hosts.api === undefined) {
    const field = {
      field: 'hosts.apiBaseUrl',
      message: 'is not set, and an issuer does not say where the API is',
      remedy: "Set it to the API's address, or set `hosts.region` to the region's domain.",
    }
    const message = `\`${field.field}\` ${field.message}. ${field.remedy}`
    throw new GuestpassError('config_invalid', message, { fields: [field] })
  }
  if (!hosts.platformApi || gateway) return
  throw new GuestpassError(
    'api_not_public',
    `${hosts.api} is a public Genesys Cloud host, which does not offer the documented guest APIs; nothing was sent. Address your gateway with \`hosts.apiBaseUrl\`, or set \`gateway: true\` if this host does offer them.`,
  )
}
