import { access } from './access.ts'
import { connectionKind, type ConnectionOptions, connectionPorts, type ConnectionPorts } from './options.ts'
import { checkedConnection } from '../domain/connection-name.ts'
import { checkOptions } from '../domain/options.ts'
import { defaultWindows } from '../domain/plan.ts'
import type { Millis } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Guests } from '../guests/guests.ts'
import { createListeners } from '../guests/events/listeners.ts'
import { guestCode, guestsOnDemand } from './guests-on-demand.ts'
import { keyPlaces } from './key-places.ts'
import { oauthServerOf } from './oauth-server.ts'
import type { AccessSource } from '../policy/authorize.ts'
import { type FailedTries, failedTries } from '../policy/failed-tries.ts'
import type { Policy } from '../policy/pipeline.ts'
import { standardLayers, standardPolicy } from '../policy/standard.ts'
import type { WorkerObserver } from '../ports/worker.ts'
import { type Meters, meters } from '../report/meters.ts'
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
import { sourceOnDemand } from './source-on-demand.ts'
import { fact, verificationOf } from './verification.ts'

export type { ConnectionOptions, ConnectionPorts } from './options.ts'

export interface Connection {
  readonly name: string
  /**
   * The service's own access tokens; by client credentials with the scopes of `ConnectionOptions.scopes`, or those that upstream gives
   * by default. `accessTokens.for(…)`: those for an API, or with other scopes.
   */
  readonly accessTokens: AccessTokens
  /** The sign-in of a user by which it gets them, where there is one. */
  readonly grant: Pick<Grant, 'exists' | 'keepAlive'>
  /** Signs that user in. */
  readonly signIn: Pick<SignIn, 'begin' | 'complete'>
  readonly deviceSignIn: DeviceSignIn
  readonly signOut: SignOut
  readonly guests: Guests
  /** Checks any guest token of this connection, revocation included. */
  readonly verifier: Verifier
  /** The keys of guest tokens. */
  readonly keys: KeySource
  /** The keys of access tokens and ID tokens; `keys` where no others are known. */
  readonly accessKeys: KeySource
  /**
   * Mirrors the key-sets in the background until the signal aborts, then resolves. Run it in every process that stays up: a key that
   * was removed upstream is then refused within ten minutes though no token came meanwhile. `observer.failed` is called for fetches that fail.
   */
  run(signal: AbortSignal, observer?: WorkerObserver): Promise<void>
  /** How far the issuer's clock is ahead of ours, in milliseconds. */
  issuerOffset(): Millis
  /** Counters and durations of this process. */
  readonly meters: Meters
  /**
   * Resolves when no renewal is under way, also none that runs behind its callers. Wait for it before the store is closed: a refresh
   * token whose successor is not stored is lost.
   */
  idle(): Promise<void>
}

/**
 * Composes everything that one connection needs. Nothing is sent before it is asked for. Rejects with `config_invalid`, and all wrong
 * options as `fields`.
 */
export async function connection(options: ConnectionOptions, ports: ConnectionPorts): Promise<Connection> {
  checkOptions('connection', ['options', options, await connectionKind(options)], ['ports', ports, connectionPorts])
  const { hosts, windows = defaultWindows } = options
  const name = checkedConnection(options.name ?? 'default')
  const { store, clock, random, http, platform, holder = random.uuid() } = ports
  // Where there is none, `offered` refuses before anything is sent.
  const { api = '' } = hosts
  const network = { http, clock }
  const meter = meters()
  const server = oauthServerOf(name, hosts, ports, options.issuer)
  const checks = await verificationOf({ ...options, ...keyPlaces(options.publicKey, hosts, server.keySet) }, ports)
  const { keys, issuerClock, guestTokens: guestVerifier } = checks
  const layers = standardLayers(options.policy ?? {}, { clock, random, store })
  const { onUnsaved, unsavedMs } = ports
  const underway = new Set<Promise<unknown>>()
  const tokenTries = failedTries()
  const renewalPorts = { store, clock, random, holder, issuerNow: issuerClock.now, onUnsaved, unsavedMs, underway }
  const {
    grant,
    signIn,
    deviceSignIn,
    signOut,
    source: sourceOf,
  } = access(
    options,
    {
      connection: name,
      meter,
      windows,
      policy: standardPolicy(layers),
      network,
      platform,
      verification: checks,
      server,
    },
    { ...renewalPorts, onFailedTry: tokenTries.report },
  )
  const notes = createStoredRejections({ clock, digest: platform.sha256, ...fact(store, name, 'refused-tokens') })
  const by = { origin: api === '' ? '' : new URL(api).origin, notes, watch: tokenTries.watch }
  const policyFor = (needed: readonly string[], asked = needed): Policy =>
    standardPolicy(layers, bearer(requireScopes(sourceOf(options.scopes ?? asked), needed, name), by))
  const ready = createListeners(() => meter.count('listener_failed'))
  const ofGuests = {
    options,
    connection: name,
    api,
    network,
    platform,
    policyFor,
    listeners: ready,
    verifier: guestVerifier,
    keys,
    issuerClock,
    windows,
    meter,
    random,
    isSignedIn: grant.exists,
    available: () => offered(hosts, options.gateway ?? false),
    watchTokens: tokenTries.watch,
  }

  return {
    name,
    accessTokens: accessTokensOf(name, options.scopes, sourceOf),
    grant,
    signIn,
    deviceSignIn,
    signOut,
    verifier: guestVerifier,
    keys,
    accessKeys: checks.accessKeys,
    run: checks.run,
    issuerOffset: issuerClock.offset,
    meters: meter,
    async idle() {
      while (underway.size > 0) await Promise.allSettled(underway)
    },
    guests: guestsOnDemand(async () => (await guestCode()).connectionGuests(ofGuests, renewalPorts), ready),
  }
}

/** `wanted`: the scopes that the connection names, if it does. */
const accessTokensOf = (
  connection: string,
  wanted: readonly string[] | undefined,
  sourceOf: (asked: readonly string[]) => TokenSource,
): AccessTokens => ({
  ...sourceOf(wanted ?? []),
  for(what) {
    if (typeof what !== 'string') return requireScopes(sourceOf(what.scopes), what.scopes, connection)
    // The scopes of an API are in the code for guests.
    return sourceOnDemand(async () => {
      const needed = (await guestCode()).scopesOf(what)
      return requireScopes(sourceOf(wanted ?? needed), needed, connection)
    })
  },
})

/** A source as the pipeline of an API takes it. */
const bearer = (
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

function offered(hosts: Hosts, gateway: boolean): void {
  if (hosts.api === undefined) {
    const field = {
      field: 'GENESYS_API_BASE_URL',
      message: 'is not set, and an issuer does not say where the API is',
      remedy: "Set it to the API's address, or GENESYS_REGION to the region's domain.",
    }
    throw new GuestpassError('config_invalid', `${field.field} ${field.message}. ${field.remedy}`, { fields: [field] })
  }
  if (!hosts.platformApi || gateway) return
  throw new GuestpassError(
    'api_not_public',
    `${hosts.api} is a public Genesys Cloud host, which does not offer the documented guest APIs; nothing was sent. Address your gateway with GENESYS_API_BASE_URL, or set GENESYS_GATEWAY=true if this host does offer it.`,
  )
}
