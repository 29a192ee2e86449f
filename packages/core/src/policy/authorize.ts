import type { Secret } from '../domain/secret.ts'
import type { FailedTries } from './failed-tries.ts'
import { type Policy, TryFailure } from './pipeline.ts'

/** A source of access tokens. */
export interface AccessSource {
  /** Gives a token that is valid now. Its errors end the call. */
  token(signal: AbortSignal): Promise<Secret>
  /**
   * Reports that the upstream refused the token in an operation, so that it is not given out again. Resolves
   * to false if the token is not renewed, because new tokens were refused too.
   */
  rejected(token: Secret, operation: string): unknown
  /** Reports that the upstream accepted the token. */
  accepted?(token: Secret, operation: string): void
  /** See `FailedTries.watch`. */
  readonly watch?: FailedTries['watch']
}

/**
 * Puts an access token into `call.bearer` for each try. It belongs inside `retry`, which repeats a refused
 * try once and so gets the next token, and outside `limit`, so that no permit is held while a call waits for
 * a token.
 */
export function authorize(source: AccessSource): Policy {
  return (next) => async (call) => {
    // So that a deadline that ends this wait names the cause.
    const unwatch = source.watch?.(call.onFailedTry)
    const bearer = await source.token(call.signal).finally(unwatch)
    try {
      const answer = await next({ ...call, bearer })
      source.accepted?.(bearer, call.operation)
      return answer
    } catch (thrown) {
      if (!(thrown instanceof TryFailure)) throw thrown
      const { facts } = thrown
      if (facts.upstream && showsTokenAccepted(facts.upstream.status)) source.accepted?.(bearer, call.operation)
      if (facts.code !== 'access_rejected' || (await source.rejected(bearer, call.operation)) !== false) throw thrown
      throw new TryFailure({ ...facts, message: `${facts.message} ${REFUSES_NEW_TOKENS}`, isFinal: true })
    }
  }
}

/**
 * Replaces `authorize` for calls with a token of their own, or none: a refused one (401) is not sent again.
 */
export const withoutAuthorization: Policy = (next) => (call) =>
  next(call).catch((thrown: unknown) => {
    if (!(thrown instanceof TryFailure) || thrown.facts.code !== 'access_rejected') throw thrown
    throw new TryFailure({ ...thrown.facts, isFinal: true })
  })

const REFUSES_NEW_TOKENS =
  'It refuses fresh access tokens too, so this one is not renewed again for now. Check the scopes and roles of the OAuth client or of the signed-in user, and that the API is of the same organisation and region.'

/** Statuses of refusals that follow only after a token was accepted. */
const BEHIND_TOKEN: ReadonlySet<number> = new Set([400, 404, 409, 412, 415, 422])
/** Whether an answer with this status shows that its access token was accepted. */
export const showsTokenAccepted = (status: number): boolean =>
  (status >= 200 && status < 400) || BEHIND_TOKEN.has(status)
