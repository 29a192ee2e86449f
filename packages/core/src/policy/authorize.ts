import type { Secret } from '../domain/secret.ts'
import { type Policy, TryFailure } from './pipeline.ts'

/** Where access tokens come from. */
export interface AccessSource {
  /** A token that is valid now. Its errors end the call. */
  token(signal: AbortSignal): Promise<Secret>
  /** Says that a resource refused the token, so that it is not given out again. */
  rejected(token: Secret): void | Promise<void>
}

/**
 * Brings the access token of each try in `call.bearer`. Stands inside `retry`, which repeats a refused try once and so gets
 * the next token, and outside `limit`, so that waiting for a token holds no permit.
 */
export function authorize(source: AccessSource): Policy {
  return (next) => async (call) => {
    const bearer = await source.token(call.signal)
    try {
      return await next({ ...call, bearer })
    } catch (thrown) {
      if (thrown instanceof TryFailure && thrown.facts.code === 'access_rejected') await source.rejected(bearer)
      throw thrown
    }
  }
}
