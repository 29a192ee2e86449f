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
 * A guard for Nest, for `@UseGuards()`, `useGlobalGuards()` or as the value of `APP_GUARD`: verifies the guest token of an HTTP request and
 * sets `request.guest`. Otherwise throws an HttpException with a problem document (RFC 6750, RFC 9457) and status 400, 401, 403 or 503.
 * Refuses what is not HTTP. Throws `config_invalid`.
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

/** What the guard throws: an exception for the filters of a program, and the answer in full for the one of this file. */
class GuestRefused extends HttpException {
  readonly answer: ProblemResponse

  constructor(answer: ProblemResponse) {
    super(answer.problem, answer.status)
    this.answer = answer
  }
}

/** Filters are classes because Nest keeps what a filter catches with its class. */
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

/** An exception filter for Nest, for `useGlobalFilters()`: answers a GuestpassError and what `guestAuth` refuses, and leaves other errors to Nest. Throws `config_invalid`. */
export const guestpassErrors = (options: ErrorOptions = {}): ExceptionFilter<GuestpassError> =>
  new GuestpassErrors(options)
