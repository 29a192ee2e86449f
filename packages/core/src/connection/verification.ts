import { connectionName } from '../domain/connection-name.ts'
import {
  callable,
  checkOptions,
  anyOf,
  objectWithMethods,
  schema,
  required,
  object,
  nonEmptyText,
} from '../domain/options.ts'
import { untilAborted } from '../ports/abortable.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import * as schemas from '../ports/schemas.ts'
import { createPartObservers, type Worker } from '../ports/worker.ts'
import { givenKeys, givenKeysSchema } from '../verify/given-keys.ts'
import { type IssuerClock, createIssuerClock, offsetFact } from '../verify/issuer-clock.ts'
import type { Jwk, KeySource } from '../verify/keys.ts'
import { createKeysWithFallback } from '../verify/keys-with-fallback.ts'
import { type MirroredKeys, mirroredKeys } from '../verify/mirrored-keys.ts'
import type { Platform } from '../verify/platform.ts'
import { type Algorithm, ALGORITHMS, type Verifier } from '../verify/verdict.ts'
import { pinSchemas } from '../verify/verifier-options.ts'
import { verifier, verifierPair } from '../verify/verifier.ts'

/**
 * Where a key-set is: its URL, or a function that finds the URL and the name under which a store remembers
 * the keys.
 */
export type KeySetPlace =
  | {
      /** Its http or https URL. */
      readonly url: string
    }
  | {
      /** Finds its URL, before each fetch. */
      readonly url: () => Promise<string>
      /** The name under which a store keeps the keys. */
      readonly rememberedAs: string
    }

/** The options of `verification`: how to verify the tokens of one connection. */
export interface VerificationOptions {
  /** The connection's name. Default `default`. */
  readonly name?: string
  /**
   * The keys of guest tokens: public keys in PEM, a key-set, or the URL of one. With both PEM and a URL, the
   * key-set verifies tokens that none of the PEM keys fits.
   */
  readonly keys:
    | { readonly pem: string }
    | ({ readonly pem: string } & KeySetPlace)
    | { readonly jwks: { readonly keys: readonly Jwk[] } }
    | KeySetPlace
  /** The key-set of the OAuth server, for access tokens and ID tokens. Default: the same as `keys`. */
  readonly accessKeys?: KeySetPlace
  /**
   * The signature algorithms to accept. Default: RS256 alone. For the key-set of an issuer's discovery
   * document: all, because its keys name their algorithm.
   */
  readonly algorithms?: readonly Algorithm[]
  /** The `iss` that guest tokens must have. Default: not checked. */
  readonly issuer?: string
  /** The `aud` that guest tokens must have. Default: not checked. */
  readonly audience?: string
  /** A claim that guest tokens must have with this value. Default: not checked. */
  readonly organization?: { readonly claim: string; readonly id: string }
}

/**
 * The ports of `verification`. The store remembers keys, the offset of the issuer's clock, and revoked
 * tokens.
 */
export interface VerificationPorts {
  readonly store?: Pick<Store, 'fact' | 'setFact' | 'denied'>
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly platform: Platform
}

const placeKinds = {
  url: required(anyOf(nonEmptyText, callable('Give the URL of the key-set.'))),
  rememberedAs: nonEmptyText,
}
const keyPlace = object<{ url: unknown; rememberedAs: string }>(placeKinds)
const keysSchema = anyOf(
  schema('{ pem }, { jwks } or { url }', () => false, 'Give { pem }, { jwks }, { url }, or pem and url together.'),
  givenKeysSchema,
  keyPlace,
  object<{ url: unknown; rememberedAs: string; pem: string }>({ ...placeKinds, pem: nonEmptyText }),
)

const verificationSchema = object<VerificationOptions>({
  name: connectionName,
  keys: required(keysSchema),
  accessKeys: keyPlace,
  ...pinSchemas,
})

const verificationPorts = object<VerificationPorts>(
  {
    store: objectWithMethods('a store', ['fact', 'setFact', 'denied'], 'Give a store, or leave it out.'),
    clock: required(schemas.clock),
    random: required(schemas.random),
    http: required(schemas.http),
    platform: required(schemas.platform),
  },
  { open: true },
)

/**
 * The verifiers of one connection, and their keys. `run` keeps the key-sets up to date until the signal aborts:
 * a withdrawn key is then refused within ten minutes.
 */
export interface Verification extends Worker {
  /** The keys of guest tokens. */
  readonly keys: KeySource
  /** The keys of access tokens and ID tokens. */
  readonly accessKeys: KeySource
  /**
   * True if `accessKeys` are the PEM keys of guest tokens, because no key-set is known. Another key may sign
   * access tokens.
   */
  readonly accessKeysAssumed: boolean
  /** The clock of the token issuer, as the Date headers of its answers show it. Verification uses its time. */
  readonly issuerClock: IssuerClock
  /** Verifies guest tokens: also the issuer, audience and organisation of the options, and revocation. */
  readonly guestTokens: Verifier
  /** Verifies the service's access tokens, which have another audience. */
  readonly accessTokens: Verifier
}

/** The verification of a connection, which also serves stored tokens. */
export interface ConnectionVerification extends Verification {
  /** Verifies guest tokens, except revocation: the row of a guest says whether its stored token was revoked. */
  readonly storedTokens: Verifier
}

/**
 * Makes the verifiers of one connection, for a process that verifies tokens and requests none: it needs no
 * OAuth client. Keys are fetched when the first token needs them. For keys of your own use `verifier`.
 *
 * `ports.store` remembers keys between processes, and revoked tokens. Without it revocation is not checked.
 *
 * Rejects with `config_invalid`; `fields` then lists every wrong option.
 *
 * @example
 * ```ts
 * import { verification } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const { guestTokens } = await verification({ keys: { url: 'https://gateway.example.com/jwks' } }, ports)
 * console.log(await guestTokens.verify('not-a-token')) // { valid: false, reason: 'malformed' }
 * await ports.close()
 * ```
 */
export async function verification(options: VerificationOptions, ports: VerificationPorts): Promise<Verification> {
  checkOptions('verification', ['options', options, verificationSchema], ['ports', ports, verificationPorts])
  const { storedTokens: _ofConnections, ...checks } = await verificationOf(options, ports)
  return checks
}

/** The same for a connection, and for options that were checked. */
export async function verificationOf(
  options: VerificationOptions,
  ports: VerificationPorts,
): Promise<ConnectionVerification> {
  const { name = 'default', issuer, audience, organization } = options
  const { store, clock, random, http, platform } = ports
  const offset = storedFact(store, name, 'issuer-clock')
  const clockOfIssuer = createIssuerClock(clock, await offset.load(), (next) => {
    const value = offsetFact(clock, next)
    if (value) void offset.save(value).catch(() => {})
  })
  const { maker } = platform
  const mirrors = new Map<string, MirroredKeys>()
  /** One mirror for each key-set. */
  const mirrored = (place: KeySetPlace): MirroredKeys => {
    const rememberedAs = 'rememberedAs' in place ? place.rememberedAs : place.url
    const facts = storedFact(store, name, `keys:${rememberedAs}`)
    const mirror = mirrors.get(rememberedAs) ?? mirroredKeys({ url: place.url, http, clock, random, maker, facts })
    mirrors.set(rememberedAs, mirror)
    return mirror
  }
  const keys = guestKeys(options.keys, maker, mirrored)
  const accessKeys = options.accessKeys ? mirrored(options.accessKeys) : keys
  const checks = { platform, now: clockOfIssuer.now }
  const algorithmsOf = (place: VerificationOptions['keys']): readonly Algorithm[] =>
    options.algorithms ?? ('rememberedAs' in place ? ALGORITHMS : ['RS256'])
  const pins = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    ...(organization === undefined ? {} : { organization }),
  }
  const denied = store ? { denied: (print: string) => store.denied(name, print) } : {}
  const algorithms = algorithmsOf(options.keys)
  const guestTokens = verifierPair({ ...checks, keys, algorithms, ...pins, ...denied })
  return {
    keys,
    accessKeys,
    accessKeysAssumed: options.accessKeys === undefined && 'pem' in options.keys,
    issuerClock: clockOfIssuer,
    guestTokens: guestTokens.complete,
    storedTokens: guestTokens.exceptRevocation,
    accessTokens: verifier({
      ...checks,
      keys: accessKeys,
      algorithms: algorithmsOf(options.accessKeys ?? options.keys),
    }),
    async run(signal, observer) {
      const part = createPartObservers(observer)
      // Keys that are given need no mirror.
      if (mirrors.size === 0) observer?.succeeded()
      await Promise.all([untilAborted(signal), ...[...mirrors.values()].map((mirror) => mirror.run(signal, part()))])
    },
  }
}

function guestKeys(
  given: VerificationOptions['keys'],
  maker: Platform['maker'],
  mirrored: (place: KeySetPlace) => MirroredKeys,
): KeySource {
  if (!('url' in given)) return givenKeys(given, maker)
  return 'pem' in given
    ? createKeysWithFallback(givenKeys({ pem: given.pem }, maker), mirrored(given))
    : mirrored(given)
}

/** Loads and saves a value of a connection in the store, if there is a store. */
export const storedFact = (store: Pick<Store, 'fact' | 'setFact'> | undefined, connection: string, name: string) => ({
  load: async (): Promise<unknown> => store?.fact(connection, name),
  save: async (value: unknown): Promise<void> => store?.setFact(connection, name, value),
})
