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
      /**
       * The guest of the request. Absent if `guestAuth` did not run, or let a request without a token pass.
       */
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

/**
 * A request handler of Express. It states nothing about the parameters of its route: later handlers keep
 * their types.
 */
export type GuestAuth = (request: Express.Request, response: Express.Response, next: NextFunction) => Promise<void>

/**
 * Creates middleware for Express that verifies the guest token of a request and sets `request.guest`. `gp`:
 * the result of `guestpass()`, or a verifier of `@guestpass/core`. A refused request gets a problem document
 * (RFC 9457) with the status 401 (no token, or not valid), 403 (another guest, or a scope is missing), 400
 * (several tokens) or 503 (the signing keys cannot be fetched), and the challenge of RFC 6750. Throws
 * `config_invalid` for wrong arguments.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { guestpass } from 'guestpass'
 * import { guestAuth, guestpassErrors } from 'guestpass/express'
 *
 * const gp = await guestpass({ region: 'mypurecloud.ie', clientId: 'id', clientSecret: 'secret', store: 'memory' })
 * const app = express()
 * app.get('/me', guestAuth(gp, { scopes: ['webmessaging:guest:read'] }), (request, response) => {
 *   response.json({ guestId: request.guest?.guestId })
 * })
 * app.use(guestpassErrors())
 * // A server calls app.listen(8080) here, and closes gp when it ends.
 * await gp.close()
 * ```
 */
export function guestAuth(gp: TokenVerifier, options: GuestAuthOptions<Request> = {}): GuestAuth {
  const check = createGuestCheck(gp, options, authorizationHeader)
  return async (request, response, next) => {
    try {
      const { answer, guest } = await check(request as Request)
      if (answer) return send(response as Response, answer)
      if (guest) request.guest = guest
    } catch (error) {
      // Express ignores an error that is empty or `route`.
      return next(error instanceof Error ? error : new Error('The check of the guest token failed', { cause: error }))
    }
    next()
  }
}

/**
 * Creates error middleware for Express, to be used after the routes. It answers a `GuestpassError` with a
 * problem document, and passes other errors on. Throws `config_invalid` for wrong options.
 */
export function guestpassErrors(options: ErrorOptions = {}): ErrorRequestHandler {
  const answerTo = createErrorResponder(options)
  return (error, _request, response, next) => {
    const answer = response.headersSent ? undefined : answerTo(error)
    if (answer) send(response, answer)
    else next(error)
  }
}
