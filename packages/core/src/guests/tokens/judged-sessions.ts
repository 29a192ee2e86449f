import type { GuestCredential, TokenSet } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Reason, Verifier } from '../../verify/verdict.ts'
import type { GuestSessions } from './guest-sessions.ts'

/** The reasons by which the keys of now refuse a token that they verified once, as clauses. */
const keyReasons: Readonly<Partial<Record<Reason, string>>> = {
  unknown_key: 'the key that signed it is gone',
  signature: 'the key that signed it was replaced',
}

/**
 * Makes sessions that serve no stored token which the current keys refuse: resource servers would refuse it, too. Such a
 * token is due now, for one renewal. If that fails, the error says why it was needed. While keys are unavailable, stored
 * tokens are served.
 *
 * @param verifier one that does not ask the store for revocation, which decides nothing here
 */
export const createJudgedSessions = (sessions: GuestSessions, verifier: Verifier): GuestSessions => ({
  async current(rowId, criteria, context) {
    const found = await sessions.current(rowId, criteria, context)
    const { credential } = found
    const refusal = await keyRefusal(verifier, credential.tokens)
    if (refusal === undefined) return found
    const renewed = { newerThan: credential.generation, rejected: true, keyGone: true }
    // The new token is verified on receipt, and not judged again.
    return sessions.current(rowId, renewed, context).catch((thrown: unknown) => {
      throw withRefusal(thrown, credential, refusal)
    })
  },
})

/** Why the current keys refuse a token, as a clause. Undefined: they do not, or it cannot be known now. */
async function keyRefusal(verifier: Verifier, { access, verified }: TokenSet): Promise<string | undefined> {
  if (!verified) return undefined
  try {
    const verdict = await verifier.verify(access.reveal())
    return verdict.valid ? undefined : keyReasons[verdict.reason]
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.code === 'keys_unavailable') return undefined
    throw thrown
  }
}

/** The error of a renewal, preceded by what made it necessary. */
function withRefusal(thrown: unknown, guest: GuestCredential, refusal: string): unknown {
  if (!(thrown instanceof GuestpassError)) return thrown
  const { code, message, ...facts } = thrown
  const both = `The stored token of guest ${guestIdOf(guest)} does not verify any more: ${refusal}. Its renewal failed: ${message}`
  return new GuestpassError(code, both, { ...facts, cause: thrown })
}
