import type { Context, ErrorHandler, MiddlewareHandler } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { type ProblemResponse, REPLACED_HEADERS } from './problem-response.ts'
import { createErrorResponder } from './error-response.ts'
import type { Guest } from './guest.ts'
import { createGuestCheck } from './guest-check.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest } from './guest.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

/** What `guestAuth` sets, read by `c.get('guest')`. `G` is `Guest | undefined` where a token is optional. */
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
 * Middleware for Hono: verifies the guest token of a request and sets the variable `guest`. Answers 400, 401, 403 or 503 with a problem
 * document (RFC 6750, RFC 9457). Throws `config_invalid`.
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

/** What Hono does with an error when there is no handler. */
const honoDefault: ErrorHandler = (error, c) => {
  const response = 'getResponse' in error ? error.getResponse() : undefined
  if (response) return c.newResponse(response.body, response)
  console.error(error)
  return c.text('Internal Server Error', 500)
}

/** `otherwise`: handles every other error. Default: they end as they do in Hono. */
export interface HonoErrorOptions extends ErrorOptions {
  readonly otherwise?: ErrorHandler | undefined
}

/** An error handler for Hono: answers a GuestpassError, and gives every other error to `otherwise`. Throws `config_invalid`. */
export function guestpassErrors(options: HonoErrorOptions = {}): ErrorHandler {
  const { otherwise = honoDefault } = options
  const answerTo = createErrorResponder(options, ['otherwise'])
  return (error, c) => {
    const answer = answerTo(error)
    return answer ? send(c, answer) : otherwise(error, c)
  }
}
