import type { ProblemResponse } from './problem-response.ts'
import { bearerToken, type PresentedToken } from './bearer-token.ts'
import { createErrorResponder } from './error-response.ts'
import { type Guest, guestFromClaims } from './guest.ts'
import { checkAuthArguments, type GuestAuthOptions, type TokenVerifier } from './options.ts'
import { noTokenResponse, refusalResponse } from './refusal.ts'

/**
 * The answer that refuses a request, or its guest. Neither if a token is optional and the request has none.
 */
type GuestCheckResult =
  | { readonly answer: ProblemResponse; readonly guest?: undefined }
  | { readonly answer?: undefined; readonly guest?: Guest }

/**
 * Creates the check that the middleware of every framework uses: it finds the token of a request, verifies
 * it, and gives the guest or an answer. `authorization`: gives the `Authorization` header of a request;
 * several are joined by commas. The check rejects with errors of the callbacks, and with errors of `verify`
 * other than a `GuestpassError`. Throws `config_invalid`.
 */
export function createGuestCheck<R>(
  gp: TokenVerifier,
  options: GuestAuthOptions<R>,
  authorization: (request: R) => string | undefined,
): (request: R) => Promise<GuestCheckResult> {
  checkAuthArguments(gp, options)
  const { scopes = [], subject, optional = false, token } = options
  const answerTo = createErrorResponder({ onError: options.onError })
  const presented = (request: R): PresentedToken => {
    if (!token) return bearerToken(authorization(request))
    const found: unknown = token(request)
    return typeof found === 'string' && found !== '' ? { token: found } : 'none'
  }

  return async (request) => {
    const found = presented(request)
    if (found === 'several') return { answer: refusalResponse('several_tokens', scopes) }
    if (found === 'none')
      return optional ? {} : { answer: token ? noTokenResponse() : refusalResponse('no_token', scopes) }
    const wanted: unknown = subject?.(request)
    const expectations = { scopes, ...(typeof wanted === 'string' ? { subject: wanted } : {}) }
    try {
      const verdict = await gp.verify(found.token, expectations)
      if (!verdict.valid) return { answer: refusalResponse(verdict.reason, scopes) }
      // A request that names no guest must not be open to all of them.
      if (subject && typeof wanted !== 'string') return { answer: refusalResponse('subject', scopes) }
      return { guest: guestFromClaims(verdict.claims) }
    } catch (error) {
      const answer = answerTo(error)
      if (answer) return { answer }
      throw error
    }
  }
}
