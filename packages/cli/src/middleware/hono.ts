import type { Context, ErrorHandler, MiddlewareHandler } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { type ProblemResponse, REPLACED_HEADERS } from './problem-response.ts'
import { createErrorResponder } from './error-response.ts'
import type { Guest } from './guest.ts'
import { createGuestCheck } from './guest-check.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest } from './guest.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

/**
 * The variables that `guestAuth` sets: `c.get('guest')`. `G` is `Guest | undefined` if a token is optional.
 */
export interface GuestEnv<G = Guest> {
  Variables: { guest: G }
}

/** Keeps the headers that were set on the context before. */
function send(c: Context, { status, headers, body }: ProblemResponse): Response {
  for (const name of REPLACED_HEADERS) c.header(name, undefined)
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  return c.newResponse(body, status as StatusCode)
}

/**
 * Creates middleware for Hono that verifies the guest token of a request and sets the variable `guest`. `gp`:
 * the result of `guestpass()`, or a verifier of `@guestpass/core`. A refused request gets a problem document
 * (RFC 9457) with the status 401 (no token, or not valid), 403 (another guest, or a scope is missing), 400
 * (several tokens) or 503 (the signing keys cannot be fetched), and the challenge of RFC 6750. Throws
 * `config_invalid` for wrong arguments.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { guestpass } from 'guestpass'
 * import { guestAuth, guestpassErrors } from 'guestpass/hono'
 *
 * const gp = await guestpass({ region: 'mypurecloud.ie', clientId: 'id', clientSecret: 'secret', store: 'memory' })
 * const app = new Hono()
 * app.onError(guestpassErrors())
 * app.get('/me', guestAuth(gp), (c) => c.json({ guestId: c.get('guest').guestId }))
 * const { status } = await app.request('/me')
 * console.log(status) // 401: the request has no token
 * await gp.close()
 * ```
 */
export function guestAuth<O extends boolean = false>(
  gp: TokenVerifier,
  options: GuestAuthOptions<Context> & { readonly optional?: O | undefined } = {},
): MiddlewareHandler<GuestEnv<O extends true ? Guest | undefined : Guest>> {
  const check = createGuestCheck(gp, options, (c) => c.req.header('authorization'))
  return async (c, next) => {
    const { answer, guest } = await check(c)
    if (answer) return send(c, answer)
    c.set('guest', guest as Guest)
    return next()
  }
}

/** The answer of Hono to an error without a handler. */
const honoDefault: ErrorHandler = (error, c) => {
  const response = 'getResponse' in error ? error.getResponse() : undefined
  if (response) return c.newResponse(response.body, response)
  console.error(error)
  return c.text('Internal Server Error', 500)
}

/** Options of `guestpassErrors` for Hono. */
export interface HonoErrorOptions extends ErrorOptions {
  /** Handles every error that is no `GuestpassError`. Default: the answer of Hono. */
  readonly otherwise?: ErrorHandler | undefined
}

/**
 * Creates an error handler for Hono. It answers a `GuestpassError` with a problem document, and gives other
 * errors to `otherwise`. Throws `config_invalid` for wrong options.
 */
export function guestpassErrors(options: HonoErrorOptions = {}): ErrorHandler {
  const { otherwise = honoDefault } = options
  const answerTo = createErrorResponder(options, ['otherwise'])
  return (error, c) => {
    const answer = answerTo(error)
    return answer ? send(c, answer) : otherwise(error, c)
  }
}
