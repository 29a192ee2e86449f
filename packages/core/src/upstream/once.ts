import { GuestpassError } from '../errors.ts'
import { type Attempt, type Call, type Policy, TryFailure } from '../policy/pipeline.ts'
import { isOpenEnd } from '../policy/retry.ts'

/**
 * Makes a call that must not be sent twice, and says of every end whether upstream may have acted: then the error is `in_doubt`,
 * also where the pipeline only knows that time ran out, or that an answer came which cannot be read. Where the call may be repeated,
 * `mayRepeat` says whether it still may, at the moment of each repeat after such an end.
 */
export async function once<T>(
  policy: Policy,
  attempt: Attempt<T>,
  call: Call,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  let isUnderway = false
  let isOpen = false
  const watched: Attempt<T> = async (one) => {
    // A try that was given up may not have ended yet.
    isOpen ||= isUnderway
    if (isOpen && !mayRepeat())
      throw new GuestpassError('in_doubt', `${call.operation}: the answer was lost, and it is too late to ask again.`)
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
