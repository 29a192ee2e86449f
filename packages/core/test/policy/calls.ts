import type { ErrorCode, GuestpassError } from '../../src/domain/errors.ts'
import { type Call, openCall, TryFailure, type TryFacts } from '../../src/policy/pipeline.ts'

/** A call as an upstream folder opens it. */
export const aCall = (of: Partial<Call> = {}): Call => ({
  ...openCall({ connection: 'default', operation: 'generate-token', rateLimitKey: 'guest-tokens', repeatable: true }),
  ...of,
})

/** Upstream answered with a status that is not 2xx. */
export function refused(status: number, facts: Partial<TryFacts> = {}): TryFailure {
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: 'access_rejected',
    403: 'access_denied',
    429: 'upstream_busy',
  }
  return new TryFailure({
    code: codes[status] ?? (status === 408 || status >= 500 ? 'upstream_unavailable' : 'upstream_rejected'),
    sent: 'answered',
    message: `generate-token: upstream answered ${status}.`,
    upstream: { status },
    ...facts,
  })
}

/** The request did not end with an answer. */
export const lost = (sent: 'no' | 'unknown'): TryFailure =>
  new TryFailure({ code: 'upstream_unavailable', sent, message: 'generate-token: the connection broke.' })

/** What a promise came to, to be looked at whenever. */
interface Watched<T> {
  readonly state: 'pending' | 'done' | 'failed'
  readonly value?: T
  readonly error?: GuestpassError
}

export function watched<T>(work: Promise<T>): { readonly now: Watched<T> } {
  let now: Watched<T> = { state: 'pending' }
  work.then(
    (value) => (now = { state: 'done', value }),
    (error: GuestpassError) => (now = { state: 'failed', error }),
  )
  return {
    get now() {
      return now
    },
  }
}
