import { checkOptions } from '../domain/options.ts'
import type { Instant } from '../domain/time.ts'
import { type ClaimRules, claimsFault, scopesMissingFrom } from './claims.ts'
import { type CompactJws, createCompactJwsReader, MAX_TOKEN_LENGTH, mediaType } from './compact-jws.ts'
import { fingerprintOf } from './fingerprint.ts'
import { createInFlightCounter } from './in-flight-counter.ts'
import { andThen, type MaybePromise } from './maybe-promise.ts'
import type { Platform } from './platform.ts'
import {
  type CachedToken,
  createSignatureCache,
  detachedCopy,
  type SignatureCache,
  signatureTail,
} from './signature-cache.ts'
import { checkSignature, checkWithNewerKeys, type SignatureCheckParts } from './signature-check.ts'
import type { Expectations, Reason, Verdict, Verifier } from './verdict.ts'
import { defaultLeeway, verifierSchema, type VerifierOptions } from './verifier-options.ts'

export type { VerifierOptions } from './verifier-options.ts'

interface VerifierParts extends SignatureCheckParts {
  readonly platform: Platform
  readonly now: () => Instant
  readonly denied: VerifierOptions['denied']
  readonly rules: ClaimRules
  readonly algorithms: ReadonlySet<string>
  readonly read: (token: string) => CompactJws | Reason
  /** Undefined if no signature is remembered. */
  readonly cache: SignatureCache | undefined
}

/**
 * Makes a verifier of JWTs in compact JWS form. It checks, in this order: size and form, header, algorithm,
 * key, signature, type, dates, issuer, audience, organisation (reason `issuer`), subject, scopes, revocation.
 * The first check that fails is the reason.
 *
 * That form and signature of a token are right is remembered while the keys stay the same. All other checks
 * are made every time.
 *
 * @param options see `VerifierOptions`
 * @returns the verifier. Its `verify` rejects with `keys_unavailable` when there are no keys.
 *
 * Throws `config_invalid` for wrong options.
 * Source: RFC 7515, RFC 7519, RFC 8725.
 *
 * @example
 * ```ts
 * import { givenKeys, verifier } from '@guestpass/core'
 * import { nodePlatform } from '@guestpass/core/node'
 *
 * const platform = nodePlatform()
 * const jwk = { kty: 'OKP', crv: 'Ed25519', kid: '1', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
 * const keys = givenKeys({ jwks: { keys: [jwk] } }, platform.maker)
 * const { verify } = verifier({ keys, platform, now: Date.now, algorithms: ['EdDSA'] })
 * const verdict = await verify('a.b.c', { scopes: ['webmessaging:guest:send'] })
 * console.log(verdict.valid ? verdict.claims['sub'] : verdict.reason)
 * ```
 */
export function verifier(options: VerifierOptions): Verifier {
  return verifierOf(partsOf(options))
}

/**
 * Makes `verifier(options)`, and one with the same memory of signatures that does not ask whether a token was revoked.
 */
export function verifierPair(options: VerifierOptions): {
  readonly complete: Verifier
  readonly exceptRevocation: Verifier
} {
  const parts = partsOf(options)
  return { complete: verifierOf(parts), exceptRevocation: verifierOf({ ...parts, denied: undefined }) }
}

function partsOf(options: VerifierOptions): VerifierParts {
  checkOptions('verifier', ['options', options, verifierSchema])
  const { keys, platform, now, denied, remember = 10_000, algorithms = ['RS256'] } = options
  const { issuer, audience, organization, leewayMs = defaultLeeway } = options
  return {
    keys,
    platform,
    now,
    denied,
    rules: { issuer, audience, organization, leewayMs },
    algorithms: new Set<string>(algorithms),
    read: createCompactJwsReader(platform),
    cache: remember > 0 ? createSignatureCache(remember) : undefined,
    inFlight: createInFlightCounter(),
  }
}

const verifierOf = (parts: VerifierParts): Verifier => ({
  verify(token, expectations) {
    // Not an async function, which would wrap a promise in another one.
    try {
      return Promise.resolve(verdictOn(parts, token, expectations))
    } catch (error) {
      return Promise.reject(error)
    }
  },
})

const invalid = (reason: Reason): Verdict => ({ valid: false, reason })

function verdictOn(parts: VerifierParts, token: string, expectations?: Expectations): MaybePromise<Verdict> {
  if (typeof token !== 'string') return invalid('malformed')
  if (token.length > MAX_TOKEN_LENGTH) return invalid('oversized')
  const cached = parts.cache?.find(signatureTail(token))
  if (cached === undefined) return verifyUncached(parts, token, expectations)
  return cached === 'once'
    ? verifySeenOnce(parts, token, expectations)
    : verifyCached(parts, token, cached, expectations)
}

/**
 * Verifies a token in full. `digest`: the SHA-256 of its signing input, if the token was seen before, so that it
 * gets an entry in the cache.
 */
function verifyUncached(
  parts: VerifierParts,
  token: string,
  expectations?: Expectations,
  digest?: string,
): MaybePromise<Verdict> {
  const jws = parts.read(token)
  if (typeof jws === 'string') return invalid(jws)
  if (!parts.algorithms.has(jws.header.alg)) return invalid('algorithm')
  const finish = (outcome: number | Verdict): MaybePromise<Verdict> => {
    if (typeof outcome !== 'number') return outcome
    return judgeSigned(parts, cacheToken(parts, token, jws, outcome, digest), jws.signingInput, expectations)
  }
  return andThen(parts.keys.keys(), (set) =>
    checkSignature(parts, set, jws, (outcome) =>
      typeof outcome === 'string' ? checkWithNewerKeys(parts, set, jws, outcome).then(finish) : finish(outcome),
    ),
  )
}

const verifySeenOnce = (parts: VerifierParts, token: string, expectations?: Expectations): MaybePromise<Verdict> =>
  andThen(parts.platform.sha256(token.slice(0, Math.max(token.lastIndexOf('.'), 0))), (digest) =>
    verifyUncached(parts, token, expectations, digest),
  )

/**
 * Verifies a token without its form and signature, if the digest of the signing input and the generation of the
 * keys are those of the entry. Otherwise verifies it in full.
 */
function verifyCached(
  parts: VerifierParts,
  token: string,
  cached: CachedToken,
  expectations?: Expectations,
): MaybePromise<Verdict> {
  const dot = token.length - cached.signature.length - 1
  const isSameSignature = token.slice(dot + 1) === cached.signature && token.charAt(dot) === '.'
  if (!isSameSignature) return verifySeenOnce(parts, token, expectations)
  const signingInput = token.slice(0, dot)
  return andThen(parts.platform.sha256(signingInput), (digest) => {
    if (digest !== cached.digest) return verifyUncached(parts, token, expectations, digest)
    return andThen(parts.keys.keys(), ({ generation }) =>
      generation === cached.generation
        ? judgeSigned(parts, cached, signingInput, expectations)
        : verifyUncached(parts, token, expectations, digest),
    )
  })
}

/**
 * Caches a token whose signature is right. A digest costs too much for a token that is verified only once: the
 * first time leaves the mark `once` in the cache, and the second time, with a digest, an entry.
 */
function cacheToken(
  { cache }: VerifierParts,
  token: string,
  { claims, signature, header }: CompactJws,
  generation: number,
  digest: string | undefined,
): CachedToken {
  const signed = { claims, type: header.type, digest: digest ?? '', signature, generation }
  cache?.keep(signatureTail(token), digest === undefined ? 'once' : { ...signed, signature: detachedCopy(signature) })
  return signed
}

/** Makes the checks whose results are not remembered, on a token whose signature is right. */
function judgeSigned(
  { rules, now, denied, platform }: VerifierParts,
  signed: CachedToken,
  signingInput: string,
  expectations: Expectations | undefined,
): MaybePromise<Verdict> {
  const { claims } = signed
  if (expectations?.type !== undefined && mediaType(expectations.type) !== signed.type) return invalid('type')
  const fault = claimsFault(claims, rules, expectations, now())
  if (fault === 'scope')
    return { valid: false, reason: fault, missing: scopesMissingFrom(claims, expectations?.scopes ?? []) }
  if (fault !== undefined) return invalid(fault)
  return denied ? judgeRevocation(denied, platform, signed, signingInput) : { valid: true, claims }
}

/** Asks whether a token that is valid in all else was revoked. */
function judgeRevocation(
  denied: NonNullable<VerifierOptions['denied']>,
  platform: Platform,
  signed: CachedToken,
  signingInput: string,
): MaybePromise<Verdict> {
  const { claims } = signed
  return andThen(signed.fingerprint ?? fingerprintOf(claims, signingInput, platform), (fingerprint) => {
    signed.fingerprint = fingerprint
    return andThen(denied(fingerprint), (isDenied) => (isDenied ? invalid('revoked') : { valid: true, claims }))
  })
}
