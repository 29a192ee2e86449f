import { checkOptions } from '../domain/options.ts'
import { andThen } from './maybe-promise.ts'
import { judgeClaims, scopesMissingFrom } from './claims.ts'
import { type CompactJws, createCompactJwsReader, MAX_TOKEN_LENGTH, mediaType } from './compact-jws.ts'
import { fingerprintOf } from './fingerprint.ts'
import { leftOutText } from './key-list.ts'
import type { KeySet, VerifyKey } from './keys.ts'
import { detachedCopy, signatureTail, createSignatureCache, type CachedToken } from './signature-cache.ts'
import { createInFlightCounter } from './in-flight-counter.ts'
import type { Expectations, Reason, Verdict, Verifier } from './verdict.ts'
import { verifierKind, type VerifierOptions } from './verifier-options.ts'

export type { VerifierOptions } from './verifier-options.ts'

type Eventually<T> = T | Promise<T>

const no = (reason: Reason): Verdict => ({ valid: false, reason })

/** A verdict on a token whose key is not known: it may be one that the set has, and that is not used. Without a kid it may be any. */
function noKey({ header: { kid } }: CompactJws, { leftOut, fallback }: KeySet): Verdict {
  const entries = [...(leftOut ?? []), ...(fallback?.leftOut ?? [])].filter(
    (one) => kid === undefined || one.kid === kid,
  )
  if (entries.length === 0) return no('unknown_key')
  return {
    valid: false,
    reason: 'unknown_key',
    detail: `the key-set has keys that are not used (${leftOutText(entries)})`,
  }
}

const isFor = (key: VerifyKey, kid: string | undefined): boolean =>
  kid === undefined || key.kid === kid || key.anyKid === true

const isSame = (one: VerifyKey, other: VerifyKey): boolean =>
  one === other || (one.material !== undefined && one.material === other.material)

/** The one key that may judge the token. Two are as bad as none: which one counts would be a matter of order. */
function keyFor({ header: { kid, alg } }: CompactJws, { keys }: KeySet): VerifyKey | Reason {
  let known = false
  let found: VerifyKey | undefined
  for (const key of keys) {
    if (!isFor(key, kid)) continue
    known = true
    const serving = key.algorithm === alg ? key : key.other
    if (serving?.algorithm !== alg) continue
    if (!found) found = serving
    else if (!isSame(found, serving)) return 'unknown_key'
  }
  return found ?? (known ? 'algorithm' : 'unknown_key')
}

/**
 * A verifier of compact JWS tokens. Checks, in this order: size and form, header, algorithm, key, signature, type, dates,
 * issuer, audience, organisation (reason `issuer`), subject, scopes, revocation; the first that fails is the reason. That form and
 * signature of a token are right is remembered while the keys stay the same; all else is checked every time. Claims are deeply
 * frozen. Throws `config_invalid` for options that make no sense; `verify` rejects with `keys_unavailable` when there are no
 * keys, and with whatever `denied` rejects with.
 */
export function verifier(options: VerifierOptions): Verifier {
  checkOptions('verifier', ['options', options, verifierKind])
  const { keys, platform, now, denied } = options
  const { issuer, audience, organization, leewayMs = 5_000 } = options
  const rules = { issuer, audience, organization, leewayMs }
  const accepted = new Set<string>(options.algorithms ?? ['RS256'])
  const read = createCompactJwsReader(platform)
  const max = options.remember ?? 10_000
  const remembers = max > 0
  const remembered = createSignatureCache(max)
  const checks = createInFlightCounter()

  /** Judges what may be different each time, of a token whose signature is right. */
  const conclude = (
    signed: CachedToken,
    input: string,
    expectations: Expectations | undefined,
  ): Eventually<Verdict> => {
    const { claims } = signed
    if (expectations?.type !== undefined && mediaType(expectations.type) !== signed.type) return no('type')
    const fault = judgeClaims(claims, rules, expectations, now())
    if (fault === 'scope')
      return { valid: false, reason: fault, missing: scopesMissingFrom(claims, expectations?.scopes ?? []) }
    if (fault !== undefined) return no(fault)
    if (!denied) return { valid: true, claims }
    return andThen(signed.fingerprint ?? fingerprintOf(claims, input, platform), (fingerprint) => {
      signed.fingerprint = fingerprint
      return andThen(denied(fingerprint), (isDenied) => (isDenied ? no('revoked') : { valid: true, claims }))
    })
  }

  /** Goes on with the generation of the keys that the signature is right under, or with what is wrong with it. */
  const checkUnder = <T>(
    set: KeySet,
    jws: CompactJws,
    next: (outcome: number | Reason) => Eventually<T>,
  ): Eventually<T> => {
    const key = keyFor(jws, set)
    if (typeof key === 'string') return otherwise(set, jws, key, next)
    const checked = key.verify(platform.ascii(jws.signingInput), platform.bytes(jws.signature), checks.begin())
    return checks.track(checked, (right) => (right ? next(set.generation) : otherwise(set, jws, 'signature', next)))
  }

  /** Asks the keys behind these, if there are any; what they say of a token that does not fit counts. */
  const otherwise = <T>(
    { fallback }: KeySet,
    jws: CompactJws,
    fault: Reason,
    next: (outcome: number | Reason) => Eventually<T>,
  ): Eventually<T> => (fallback ? checkUnder(fallback, jws, next) : next(fault))

  /** The issuer may have exchanged its keys since they were fetched: looks again, and checks again as long as they are others. */
  const checkAfterLook = async (set: KeySet, jws: CompactJws, fault: Reason): Promise<number | Verdict> => {
    let [seen, outcome] = [set, fault as number | Reason]
    // Two looks: what came first may have been remembered from an earlier process.
    for (let looks = 0; looks < 2 && typeof outcome !== 'number'; looks += 1) {
      await keys.lookAgain()
      const newer = await keys.keys()
      const isOther = newer.generation !== seen.generation
      seen = newer
      if (!isOther) break
      outcome = await checkUnder<number | Reason>(newer, jws, (found) => found)
    }
    if (typeof outcome === 'number') return outcome
    return outcome === 'unknown_key' ? noKey(jws, seen) : no(outcome)
  }

  /** Tokens that come once are not worth a digest: the first time only leaves a hint, the second an entry. */
  const remember = (token: string, jws: CompactJws, generation: number, digest: string | undefined): CachedToken => {
    const { claims, signature, header } = jws
    const signed = { claims, type: header.type, digest: digest ?? '', signature, generation }
    if (remembers)
      remembered.keep(
        signatureTail(token),
        digest === undefined ? 'once' : { ...signed, signature: detachedCopy(signature) },
      )
    return signed
  }

  const verifyNew = (token: string, expectations?: Expectations, digest?: string): Eventually<Verdict> => {
    const jws = read(token)
    if (typeof jws === 'string') return no(jws)
    if (!accepted.has(jws.header.alg)) return no('algorithm')
    const finish = (outcome: number | Verdict): Eventually<Verdict> => {
      if (typeof outcome !== 'number') return outcome
      return conclude(remember(token, jws, outcome, digest), jws.signingInput, expectations)
    }
    return andThen(keys.keys(), (set) =>
      checkUnder(set, jws, (outcome) =>
        typeof outcome === 'string' ? checkAfterLook(set, jws, outcome).then(finish) : finish(outcome),
      ),
    )
  }

  /** Seen before, so that a digest may be worth it. */
  const verifySeen = (token: string, expectations?: Expectations): Eventually<Verdict> =>
    andThen(platform.sha256(token.slice(0, Math.max(token.lastIndexOf('.'), 0))), (digest) =>
      verifyNew(token, expectations, digest),
    )

  const verifyKnown = (token: string, known: CachedToken, expectations?: Expectations): Eventually<Verdict> => {
    const dot = token.length - known.signature.length - 1
    if (token.slice(dot + 1) !== known.signature || token.charAt(dot) !== '.') return verifySeen(token, expectations)
    const input = token.slice(0, dot)
    return andThen(platform.sha256(input), (digest) => {
      if (digest !== known.digest) return verifyNew(token, expectations, digest)
      return andThen(keys.keys(), ({ generation }) =>
        generation === known.generation ? conclude(known, input, expectations) : verifyNew(token, expectations, digest),
      )
    })
  }

  const verdictOn = (token: string, expectations?: Expectations): Eventually<Verdict> => {
    if (typeof token !== 'string') return no('malformed')
    if (token.length > MAX_TOKEN_LENGTH) return no('oversized')
    const known = remembers ? remembered.find(signatureTail(token)) : undefined
    if (known === undefined) return verifyNew(token, expectations)
    return known === 'once' ? verifySeen(token, expectations) : verifyKnown(token, known, expectations)
  }

  return {
    verify(token, expectations) {
      // Not an async function: a promise that is there already would be wrapped once more.
      try {
        return Promise.resolve(verdictOn(token, expectations))
      } catch (error) {
        return Promise.reject(error)
      }
    },
  }
}
