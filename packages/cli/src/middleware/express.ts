import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express'
import { type ProblemResponse, REPLACED_HEADERS } from './problem-response.ts'
import { authorizationHeader } from './bearer-token.ts'
import { createErrorResponder } from './error-response.ts'
import type { Guest } from './guest.ts'
import { createGuestCheck } from './guest-check.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest } from './guest.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

declare global {
  namespace Express {
    interface Request {
      /** The guest of the request, where `guestAuth` ran and a token came. */
      guest?: Guest
    }
  }
}

function send(response: Response, { status, headers, body }: ProblemResponse): void {
  for (const name of REPLACED_HEADERS) response.removeHeader(name)
  response
    .status(status)
    .set(headers)
    .set('content-length', `${Buffer.byteLength(body)}`)
    .end(body)
}

/** A request handler that says nothing of the parameters of its route, so that the handlers after it keep their types. */
export type GuestAuth = (request: Express.Request, response: Express.Response, next: NextFunction) => Promise<void>

/**
 * Middleware for Express: verifies the guest token of a request and sets `request.guest`. Answers 400, 401, 403 or 503 with a problem
 * document (RFC 6750, RFC 9457). Throws `config_invalid`.
 */
export function guestAuth(gp: TokenVerifier, options: GuestAuthOptions<Request> = {}): GuestAuth {
  const check = createGuestCheck(gp, options, authorizationHeader)
  return async (request, response, next) => {
    try {
      const { answer, guest } = await check(request as Request)
      if (answer) return send(response as Response, answer)
      if (guest) request.guest = guest
    } catch (error) {
      // Express goes on to the route at an error that is nothing or `route`.
      return next(error instanceof Error ? error : new Error('The check of the guest token failed', { cause: error }))
    }
    next()
  }
}

/** Error middleware for Express, after the routes: answers a GuestpassError, and leaves other errors to Express. Throws `config_invalid`. */
export function guestpassErrors(options: ErrorOptions = {}): ErrorRequestHandler {
  const answerTo = createErrorResponder(options)
  return (error, _request, response, next) => {
    const answer = response.headersSent ? undefined : answerTo(error)
    if (answer) send(response, answer)
    else next(error)
  }
}
