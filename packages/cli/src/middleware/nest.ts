import { GuestpassError } from '@guestpass/core'
import { type ArgumentsHost, type CanActivate, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { ProblemResponse } from './problem-response.ts'
import { authorizationHeader } from './bearer-token.ts'
import { createErrorResponder } from './error-response.ts'
import type { WithGuest } from './guest.ts'
import { createGuestCheck } from './guest-check.ts'
import { sendProblem, type HttpRequest, prepareResponse } from './nest-http.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest, WithGuest } from './guest.ts'
export type { NodeRequest } from './bearer-token.ts'
export type { HttpRequest } from './nest-http.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

/**
 * Creates a guard for Nest, for `@UseGuards()`, `useGlobalGuards()` or the value of `APP_GUARD`. It verifies
 * the guest token of an HTTP request and sets `request.guest`. `gp`: the result of `guestpass()`, or a
 * verifier of `@guestpass/core`. For a refused request the guard throws an HttpException with a problem
 * document (RFC 9457) and the status 401 (no token, or not valid), 403 (another guest, or a scope is
 * missing), 400 (several tokens) or 503 (the signing keys cannot be fetched), and sets the challenge of RFC
 * 6750. It refuses requests other than HTTP. Throws `config_invalid` for wrong arguments.
 *
 * @example
 * ```ts
 * import { guestpass } from 'guestpass'
 * import { guestAuth } from 'guestpass/nest'
 *
 * const gp = await guestpass({ region: 'mypurecloud.ie', clientId: 'id', clientSecret: 'secret', store: 'memory' })
 * const guard = guestAuth(gp, { scopes: ['webmessaging:guest:read'] })
 * // An application calls app.useGlobalGuards(guard) here, and closes gp when it ends.
 * console.log(typeof guard.canActivate)
 * await gp.close()
 * ```
 */
export function guestAuth<R = HttpRequest>(gp: TokenVerifier, options: GuestAuthOptions<R> = {}): CanActivate {
  const check = createGuestCheck(gp, options, (request) => {
    const { headers, rawHeaders, raw } = request as HttpRequest
    return authorizationHeader({ headers, rawHeaders: rawHeaders ?? raw?.rawHeaders })
  })
  return {
    async canActivate(context) {
      if (context.getType() !== 'http') return false
      const request = context.switchToHttp().getRequest<R & WithGuest>()
      const { answer, guest } = await check(request)
      if (answer) {
        // Nest sends what is thrown as JSON, and warns of every answer that has another type.
        const { 'content-type': _, ...headers } = answer.headers
        prepareResponse(context, headers)
        throw new GuestRefused(answer)
      }
      if (guest) request.guest = guest
      return true
    },
  }
}

/** The exception that the guard throws. It holds the whole answer for the filter in this file. */
class GuestRefused extends HttpException {
  readonly answer: ProblemResponse

  constructor(answer: ProblemResponse) {
    super(answer.problem, answer.status)
    this.answer = answer
  }
}

/** A class, because Nest stores with the class of a filter what the filter catches. */
class GuestpassErrors implements ExceptionFilter<GuestpassError | GuestRefused> {
  readonly #answerTo: ReturnType<typeof createErrorResponder>

  constructor(options: ErrorOptions) {
    this.#answerTo = createErrorResponder(options)
  }

  catch(error: GuestpassError | GuestRefused, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error
    const answer = error instanceof GuestRefused ? error.answer : this.#answerTo(error)
    if (!answer) throw error
    sendProblem(host, answer)
  }
}
Catch(GuestpassError, GuestRefused)(GuestpassErrors)

/**
 * Creates an exception filter for Nest, for `useGlobalFilters()`. It answers a `GuestpassError`, and the
 * refusals of `guestAuth`, with a problem document, and leaves other errors to Nest. Throws `config_invalid`
 * for wrong options.
 */
export const guestpassErrors = (options: ErrorOptions = {}): ExceptionFilter<GuestpassError> =>
  new GuestpassErrors(options)
