import { GuestpassError } from '@guestpass/core'
import { type ArgumentsHost, type CanActivate, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import { authorizationOf } from './bearer-token.ts'
import { errorAnswers } from './error-answer.ts'
import type { WithGuest } from './guest.ts'
import { guestCheck } from './guest-check.ts'
import { type HttpRequest, prepared } from './nest-http.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest, WithGuest } from './guest.ts'
export type { HttpRequest } from './nest-http.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

/**
 * A guard for Nest, for `@UseGuards()`, `useGlobalGuards()` or as the value of `APP_GUARD`: verifies the guest token of an HTTP request and
 * sets `request.guest`. Otherwise throws an HttpException with a problem document (RFC 6750, RFC 9457) and status 400, 401, 403 or 503.
 * Refuses what is not HTTP. Throws `config_invalid`.
 */
export function guestAuth<R = HttpRequest>(gp: TokenVerifier, options: GuestAuthOptions<R> = {}): CanActivate {
  const check = guestCheck(gp, options, (request) => {
    const { headers, rawHeaders, raw } = request as HttpRequest
    return authorizationOf({ headers, rawHeaders: rawHeaders ?? raw?.rawHeaders })
  })
  return {
    async canActivate(context) {
      if (context.getType() !== 'http') return false
      const request = context.switchToHttp().getRequest<R & WithGuest>()
      const { answer, guest } = await check(request)
      if (answer) {
        prepared(context, answer)
        throw new HttpException(answer.problem, answer.status)
      }
      if (guest) request.guest = guest
      return true
    },
  }
}

/** Filters are classes because Nest keeps what a filter catches with its class. */
class GuestpassErrors implements ExceptionFilter<GuestpassError> {
  readonly #answerTo: ReturnType<typeof errorAnswers>

  constructor(options: ErrorOptions) {
    this.#answerTo = errorAnswers(options)
  }

  catch(error: GuestpassError, host: ArgumentsHost): void {
    const answer = host.getType() === 'http' ? this.#answerTo(error) : undefined
    if (!answer) throw error
    prepared(host, answer).status(answer.status).send(answer.body)
  }
}
Catch(GuestpassError)(GuestpassErrors)

/** An exception filter for Nest, for `useGlobalFilters()`: answers a GuestpassError, and leaves other errors to Nest. Throws `config_invalid`. */
export const guestpassErrors = (options: ErrorOptions = {}): ExceptionFilter<GuestpassError> =>
  new GuestpassErrors(options)
