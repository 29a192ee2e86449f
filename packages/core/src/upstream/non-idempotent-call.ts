import { Superseded } from '../domain/superseded.ts'
import { type ErrorFacts, GuestpassError } from '../domain/errors.ts'
import { type Call, type Policy, TryFailure } from '../policy/pipeline.ts'
import { isOutcomeUnknown } from '../policy/retry.ts'
import type { TryHooks } from './try-hooks.ts'

/** One try of a call that must not be sent twice. `onSend` must be the `onSend` of its request. */
export type NonIdempotentTry<T> = (call: Call, onSend: () => void) => Promise<T>

/** A try that was begun. */
interface Begun {
  sent: boolean
  over: boolean
}

/**
 * Runs a non-idempotent call. If the upstream may have acted on it, the error is `in_doubt`, even if the
 * policy only saw a timeout or an unreadable answer. `mayRepeat` is called before a repeat after such an
 * error: whether the call may still be sent.
 */
export async function runNonIdempotent<T>(
  policy: Policy,
  attempt: NonIdempotentTry<T>,
  call: Call,
  { beforeTry, onSend }: TryHooks,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  const seen = { isOpen: false, latest: { sent: false, over: true } as Begun }
  // A try that was given up may not have ended yet.
  const isDoubtful = (): boolean => seen.isOpen || (seen.latest.sent && !seen.latest.over)

  const watched = async (one: Call): Promise<T> => {
    seen.isOpen = isDoubtful()
    if (seen.isOpen && !mayRepeat())
      throw new GuestpassError('in_doubt', `${call.operation}: the answer was lost, and it is too late to ask again.`)
    await beforeTry?.()
    const begun: Begun = { sent: false, over: false }
    seen.latest = begun
    try {
      return await attempt(one, () => {
        onSend()
        begun.sent = true
      })
    } catch (thrown) {
      // Also when a later try is refused: the refusal says nothing of the one before.
      seen.isOpen ||= mayHaveActed(thrown, begun)
      throw thrown
    } finally {
      begun.over = true
    }
  }
  try {
    return await policy(watched)(call)
  } catch (thrown) {
    if (thrown instanceof Superseded || !isDoubtful()) throw thrown
    if (thrown instanceof GuestpassError && thrown.code === 'in_doubt') throw thrown
    const said = thrown instanceof Error ? thrown.message : String(thrown)
    throw new GuestpassError('in_doubt', `${said} Upstream may have acted on it.`, {
      ...factsOf(thrown),
      cause: thrown,
    })
  }
}

const factsOf = (thrown: unknown): ErrorFacts =>
  thrown instanceof GuestpassError
    ? {
        ...(thrown.retryAt === undefined ? {} : { retryAt: thrown.retryAt }),
        ...(thrown.upstream ? { upstream: thrown.upstream } : {}),
      }
    : {}

/** A 2xx answer that cannot be read proves that the upstream acted. */
function mayHaveActed(thrown: unknown, { sent }: Begun): boolean {
  if (!(thrown instanceof TryFailure)) return sent
  const { code, upstream } = thrown.facts
  if (code === 'upstream_garbled') return upstream === undefined || (upstream.status >= 200 && upstream.status < 300)
  return isOutcomeUnknown(thrown.facts)
}
