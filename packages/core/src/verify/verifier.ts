import { after } from './at-once.ts'
import { judgeClaims } from './claims.ts'
import { type Compact, compactReader, MAX_TOKEN } from './compact.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { KeySet, VerifyKey } from './keys.ts'
import { memory, type Remembered } from './remembered.ts'
import { traffic } from './traffic.ts'
import type { Expectations, Reason, Verdict, Verifier } from './verdict.ts'
import { checkOptions, type VerifierOptions } from './verifier-options.ts'

export type { VerifierOptions } from './verifier-options.ts'

type Eventually<T> = T | Promise<T>

/** One token on its way to a verdict. */
interface Task {
  readonly token: string
  /** Absent when nothing is remembered. */
  readonly digest?: string | undefined
  readonly expectations?: Expectations | undefined
}

const no = (reason: Reason): Verdict => ({ valid: false, reason })

const isFor = (key: VerifyKey, kid: string | undefined): boolean =>
  kid === undefined || key.kid === kid || key.anyKid === true

/** The one key that may judge the token. Two are as bad as none: which one counts would be a matter of order. */
function keyFor({ header: { kid, alg } }: Compact, { keys }: KeySet): VerifyKey | Reason {
  let known = false
  let found: VerifyKey | undefined
  for (const key of keys) {
    if (!isFor(key, kid)) continue
    known = true
    if (key.algorithm !== alg) continue
    if (found) return 'unknown_key'
    found = key
  }
  return found ?? (known ? 'algorithm' : 'unknown_key')
}

/**
 * A verifier of compact JWS tokens. Checks, in this order: size and form, header, algorithm, key, signature, dates, issuer,
 * audience, organisation (reason `issuer`), subject, scopes, revocation; the first that fails is the reason. That form and
 * signature of a token are right is remembered while the keys stay the same; all else is checked every time. Claims are deeply
 * frozen. Throws `config_invalid` for options that make no sense; `verify` rejects with `keys_unavailable` when there are no
 * keys, and with whatever `denied` rejects with.
 */
export function verifier(options: VerifierOptions): Verifier {
  checkOptions(options)
  const { keys, platform, now, denied, remember = 10_000 } = options
  const { issuer, audience, organization, leewayMs = 5_000 } = options
  const rules = { issuer, audience, organization, leewayMs }
  const accepted = new Set<string>(options.algorithms ?? ['RS256'])
  const read = compactReader(platform)
  const remembered = memory(remember)
  const checks = traffic()

  /** Judges what may be different each time, of a token whose signature is right. */
  const conclude = (signed: Remembered, { token, expectations }: Task): Eventually<Verdict> => {
    const { claims } = signed
    const fault = judgeClaims(claims, rules, expectations, now())
    if (fault !== undefined) return no(fault)
    if (!denied) return { valid: true, claims }
    const print = signed.fingerprint ?? fingerprintOf(claims, token.slice(0, token.lastIndexOf('.')), platform)
    return after(print, (fingerprint) => {
      signed.fingerprint = fingerprint
      return after(denied(fingerprint), (isDenied) => (isDenied ? no('revoked') : { valid: true, claims }))
    })
  }

  const accept = (task: Task, { claims }: Compact, { generation }: KeySet): Eventually<Verdict> => {
    const signed = { claims, generation }
    if (task.digest !== undefined) remembered.keep(task.digest, signed)
    return conclude(signed, task)
  }

  /** The fault of the signature under these keys goes to `otherwise`. */
  const checkUnder = (
    task: Task,
    jws: Compact,
    set: KeySet,
    otherwise: (fault: Reason) => Eventually<Verdict>,
  ): Eventually<Verdict> => {
    const key = keyFor(jws, set)
    if (typeof key === 'string') return otherwise(key)
    const checked = key.verify(platform.ascii(jws.signingInput), platform.bytes(jws.signature), checks.enter())
    return checks.through(checked, (right) => (right ? accept(task, jws, set) : otherwise('signature')))
  }

  /** The issuer may have exchanged its keys since they were fetched: looks again, and judges again if they are others. */
  const lookAgain = async (task: Task, jws: Compact, set: KeySet, fault: Reason): Promise<Verdict> => {
    await keys.lookAgain()
    const newer = await keys.keys()
    return newer.generation === set.generation ? no(fault) : checkUnder(task, jws, newer, no)
  }

  const verifyNew = (task: Task): Eventually<Verdict> => {
    const jws = read(task.token)
    if (typeof jws === 'string') return no(jws)
    if (!accepted.has(jws.header.alg)) return no('algorithm')
    return after(keys.keys(), (set) => checkUnder(task, jws, set, (fault) => lookAgain(task, jws, set, fault)))
  }

  const verifyAny = (token: string, expectations: Expectations | undefined, digest: string): Eventually<Verdict> => {
    const task = { token, expectations, digest }
    const known = remembered.find(digest)
    if (!known) return verifyNew(task)
    return after(keys.keys(), ({ generation }) =>
      generation === known.generation ? conclude(known, task) : verifyNew(task),
    )
  }

  const verdictOn = (token: string, expectations: Expectations | undefined): Eventually<Verdict> => {
    if (typeof token !== 'string') return no('malformed')
    if (token.length > MAX_TOKEN) return no('oversized')
    if (remember === 0) return verifyNew({ token, expectations })
    return after(platform.sha256(token), (digest) => verifyAny(token, expectations, digest))
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
