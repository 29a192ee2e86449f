import { GuestpassError } from '../errors.ts'
import { type Attempt, type Call, type Policy, TryFailure } from '../policy/pipeline.ts'
import { isOpenEnd } from '../policy/retry.ts'

/**
 * Makes a call that must not be sent twice, and says of every end whether upstream may have acted: then the error is `in_doubt`,
 * also where the pipeline only knows that time ran out, or that an answer came which cannot be read.
 */
export async function once<T>(policy: Policy, attempt: Attempt<T>, call: Call): Promise<T> {
  let isUnderway = false
  let isOpen = false
  const watched: Attempt<T> = async (one) => {
    isUnderway = true
    try {
      return await attempt(one)
    } catch (thrown) {
      // Also when a later try is refused: the refusal says nothing of the one before.
      isOpen ||= mayHaveActed(thrown)
      throw thrown
    } finally {
      isUnderway = false
    }
  }
  try {
    return await policy(watched)(call)
  } catch (thrown) {
    const isDoubtful = isOpen || isUnderway
    if (!isDoubtful || (thrown instanceof GuestpassError && thrown.code === 'in_doubt')) throw thrown
    const said = thrown instanceof Error ? thrown.message : String(thrown)
    throw new GuestpassError('in_doubt', `${said} Upstream may have acted on it.`, { cause: thrown })
  }
}

/** An answer of success that cannot be read proves that upstream acted. */
function mayHaveActed(thrown: unknown): boolean {
  if (!(thrown instanceof TryFailure)) return true
  const { code, upstream } = thrown.facts
  if (code === 'upstream_garbled') return upstream === undefined || (upstream.status >= 200 && upstream.status < 300)
  return isOpenEnd(thrown.facts)
}
