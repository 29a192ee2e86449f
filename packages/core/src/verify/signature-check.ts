import type { CompactJws } from './compact-jws.ts'
import type { InFlightCounter } from './in-flight-counter.ts'
import { chooseKey } from './key-choice.ts'
import { leftOutText } from './key-list.ts'
import type { KeySet, KeySource } from './keys.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Platform } from './platform.ts'
import type { Reason, Verdict } from './verdict.ts'

/** What a check of signatures works with. */
export interface SignatureCheckParts {
  readonly keys: KeySource
  readonly platform: Pick<Platform, 'ascii' | 'bytes'>
  readonly inFlight: InFlightCounter
}

/** The generation of the keys under which a signature is right, or why it is not. */
type SignatureOutcome = number | Reason

/**
 * Checks a signature under the keys of a set, then under its fallback, and continues with the outcome. The
 * continuation is a parameter because a promise for each token would cost more than the check of a short
 * signature.
 */
export function checkSignature<T>(
  parts: SignatureCheckParts,
  set: KeySet,
  jws: CompactJws,
  next: (outcome: SignatureOutcome) => MaybePromise<T>,
): MaybePromise<T> {
  const { platform, inFlight } = parts
  const key = chooseKey(jws, set)
  if (typeof key === 'string') return checkFallback(parts, set, jws, key, next)
  const checked = key.verify(platform.ascii(jws.signingInput), platform.bytes(jws.signature), inFlight.begin())
  return inFlight.track(checked, (isRight) =>
    isRight ? next(set.generation) : checkFallback(parts, set, jws, 'signature', next),
  )
}

/**
 * Checks under the fallback of a set, whose outcome then counts; without a fallback the fault of the set
 * counts.
 */
const checkFallback = <T>(
  parts: SignatureCheckParts,
  { fallback }: KeySet,
  jws: CompactJws,
  fault: Reason,
  next: (outcome: SignatureOutcome) => MaybePromise<T>,
): MaybePromise<T> => (fallback ? checkSignature(parts, fallback, jws, next) : next(fault))

/**
 * Asks for newer keys and checks again, because the issuer may have exchanged its keys since the last fetch.
 * Asks twice at most: the first answer may be a set that an earlier process stored.
 */
export async function checkWithNewerKeys(
  parts: SignatureCheckParts,
  set: KeySet,
  jws: CompactJws,
  fault: Reason,
): Promise<number | Verdict> {
  const { keys } = parts
  let seen = set
  let outcome: SignatureOutcome = fault
  for (let looks = 0; looks < 2 && typeof outcome !== 'number'; looks += 1) {
    await keys.refetch()
    const newer = await keys.keys()
    const isOther = newer.generation !== seen.generation
    seen = newer
    if (!isOther) break
    outcome = await checkSignature<SignatureOutcome>(parts, newer, jws, (found) => found)
  }
  if (typeof outcome === 'number') return outcome
  return outcome === 'unknown_key' ? unknownKey(jws, seen) : { valid: false, reason: outcome }
}

/**
 * The verdict `unknown_key`, with the entries of the key-set that were left out and that the token may mean:
 * without a `kid`, any.
 */
function unknownKey({ header: { kid } }: CompactJws, { leftOut = [], fallback }: KeySet): Verdict {
  const entries = [...leftOut, ...(fallback?.leftOut ?? [])].filter((one) => kid === undefined || one.kid === kid)
  if (entries.length === 0) return { valid: false, reason: 'unknown_key' }
  const detail = `the key-set has keys that are not used (${leftOutText(entries)})`
  return { valid: false, reason: 'unknown_key', detail }
}
