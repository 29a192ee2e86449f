import type { CompactJws } from './compact-jws.ts'
import type { KeySet, VerifyKey } from './keys.ts'
import type { Reason } from './verdict.ts'

const fitsKid = (key: VerifyKey, kid: string | undefined): boolean =>
  kid === undefined || key.kid === kid || key.anyKid === true

const isSameKey = (one: VerifyKey, other: VerifyKey): boolean =>
  one === other || (one.material !== undefined && one.material === other.material)

/**
 * Chooses the one key that may verify a token, by `kid` and `alg`. Answers `unknown_key` where no key or more
 * than one fits the `kid`, and `algorithm` where the key serves another algorithm. Of two keys that fit, the
 * order of the list would decide.
 */
export function chooseKey({ header: { kid, alg } }: CompactJws, { keys }: KeySet): VerifyKey | Reason {
  let hasKid = false
  let found: VerifyKey | undefined
  for (const key of keys) {
    if (!fitsKid(key, kid)) continue
    hasKid = true
    const candidate = key.algorithm === alg ? key : key.other
    if (candidate?.algorithm !== alg) continue
    if (!found) found = candidate
    else if (!isSameKey(found, candidate)) return 'unknown_key'
  }
  return found ?? (hasKid ? 'algorithm' : 'unknown_key')
}
