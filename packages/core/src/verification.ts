import type { Clock } from './ports/clock.ts'
import type { Http } from './ports/http.ts'
import type { Random } from './ports/random.ts'
import type { Store } from './ports/store.ts'
import { givenKeys } from './verify/given-keys.ts'
import { type IssuerClock, issuerClock, offsetFact } from './verify/issuer-clock.ts'
import type { Jwk, KeySource } from './verify/keys.ts'
import { mirroredKeys } from './verify/mirrored-keys.ts'
import type { Platform } from './verify/platform.ts'
import type { Algorithm, Verifier } from './verify/verdict.ts'
import { verifier } from './verify/verifier.ts'

/** How the tokens of one connection are checked. */
export interface VerificationOptions {
  /** The connection's name. Default `default`. */
  readonly name?: string
  /** Where the keys are: the first of these that is given. */
  readonly keys:
    | { readonly pem: string }
    | { readonly jwks: { readonly keys: readonly Jwk[] } }
    | { readonly url: string }
  /** Algorithms that tokens may be signed with. Default RS256 alone. */
  readonly algorithms?: readonly Algorithm[]
  /** Pins of what tokens must say; not looked at when absent. */
  readonly issuer?: string
  readonly audience?: string
  readonly organization?: { readonly claim: string; readonly id: string }
}

/** The world that verification needs; the store remembers keys, the issuer's clock and what was revoked. */
export interface VerificationPorts {
  readonly store?: Pick<Store, 'fact' | 'setFact' | 'denied'>
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly platform: Platform
}

export interface Verification {
  readonly keys: KeySource
  readonly issuerClock: IssuerClock
  /** Checks guest tokens: pins and revocation included. */
  readonly guestTokens: Verifier
  /** Checks the service's own access tokens, which are for another audience. */
  readonly accessTokens: Verifier
}

/** Composes what checks the tokens of one connection. Nothing is fetched before it is needed. */
export async function verification(options: VerificationOptions, ports: VerificationPorts): Promise<Verification> {
  const { name = 'default', algorithms = ['RS256'], issuer, audience, organization } = options
  const { store, clock, random, http, platform } = ports
  const offset = fact(store, name, 'issuer-clock')
  const issuersClock = issuerClock(clock, await offset.load(), (next) => {
    const value = offsetFact(clock, next)
    if (value) void offset.save(value).catch(() => {})
  })
  const keys =
    'url' in options.keys
      ? mirroredKeys({
          url: options.keys.url,
          http,
          clock,
          random,
          maker: platform.maker,
          facts: fact(store, name, `keys:${options.keys.url}`),
        })
      : givenKeys(options.keys, platform.maker)
  const checks = { keys, platform, now: issuersClock.now, algorithms }
  const pins = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    ...(organization === undefined ? {} : { organization }),
  }
  return {
    keys,
    issuerClock: issuersClock,
    guestTokens: verifier({ ...checks, ...pins, ...(store ? { denied: (print) => store.denied(name, print) } : {}) }),
    accessTokens: verifier(checks),
  }
}

/** A value that the store remembers for a connection, if there is a store. */
export const fact = (store: VerificationPorts['store'], connection: string, name: string) => ({
  load: async (): Promise<unknown> => store?.fact(connection, name),
  save: async (value: unknown): Promise<void> => store?.setFact(connection, name, value),
})
