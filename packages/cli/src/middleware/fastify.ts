import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ProblemResponse, REPLACED_HEADERS } from './problem-response.ts'
import { authorizationHeader } from './bearer-token.ts'
import { createErrorResponder } from './error-response.ts'
import type { Guest } from './guest.ts'
import { createGuestCheck } from './guest-check.ts'
import type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

export type { Guest } from './guest.ts'
export type { ErrorOptions, GuestAuthOptions, TokenVerifier } from './options.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The guest of the request. Absent if `guestAuth` did not run, or let a request without a token pass. */
    guest?: Guest
  }
}

/** A plugin of Fastify that checks every request, and also the hook of a route. */
export interface GuestAuth {
  (instance: FastifyInstance): Promise<void>
  (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>
}

function send(reply: FastifyReply, { status, headers, body }: ProblemResponse): FastifyReply {
  for (const name of REPLACED_HEADERS) reply.removeHeader(name)
  return reply.code(status).headers(headers).send(body)
}

/**
 * Creates a plugin for Fastify that verifies the guest token of a request and sets `request.guest`. Register
 * it to check all routes of the instance, or give it to a route as `onRequest` or `preHandler`. `gp`: the
 * result of `guestpass()`, or a verifier of `@guestpass/core`. A refused request gets a problem document (RFC
 * 9457) with the status 401 (no token, or not valid), 403 (another guest, or a scope is missing), 400
 * (several tokens) or 503 (the signing keys cannot be fetched), and the challenge of RFC 6750. Throws
 * `config_invalid` for wrong arguments.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { guestpass } from 'guestpass'
 * import { guestAuth, guestpassErrors } from 'guestpass/fastify'
 *
 * const gp = await guestpass({ region: 'mypurecloud.ie', clientId: 'id', clientSecret: 'secret', store: 'memory' })
 * const app = Fastify()
 * app.setErrorHandler(guestpassErrors())
 * await app.register(guestAuth(gp))
 * app.get('/me', async (request) => ({ guestId: request.guest?.guestId }))
 * // A server calls app.listen({ port: 8080 }) here, and closes gp when it ends.
 * const { statusCode } = await app.inject('/me')
 * console.log(statusCode) // 401: the request has no token
 * await app.close()
 * await gp.close()
 * ```
 */
export function guestAuth(gp: TokenVerifier, options: GuestAuthOptions<FastifyRequest> = {}): GuestAuth {
  const check = createGuestCheck(gp, options, ({ headers, raw }) =>
    authorizationHeader({ headers, rawHeaders: raw.rawHeaders }),
  )
  const hook = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { answer, guest } = await check(request)
    if (answer) return send(reply, answer)
    if (guest) request.guest = guest
    return undefined
  }
  async function both(first: FastifyInstance | FastifyRequest, second?: unknown): Promise<unknown> {
    if (!('addHook' in first)) return hook(first, second as FastifyReply)
    if (!first.hasRequestDecorator('guest')) first.decorateRequest('guest', undefined)
    return void first.addHook('onRequest', hook)
  }
  // What fastify-plugin does: the plugin belongs to the instance that it is registered at, not to one of its
  // own.
  return Object.assign(both, { [Symbol.for('skip-override')]: true }) as GuestAuth
}

/**
 * Creates an error handler for Fastify. It answers a `GuestpassError` with a problem document, and leaves
 * other errors to the handler around it. Throws `config_invalid` for wrong options.
 */
export function guestpassErrors(options: ErrorOptions = {}): FastifyInstance['errorHandler'] {
  const answerTo = createErrorResponder(options)
  return (error, _request, reply) => {
    const answer = answerTo(error)
    if (!answer) void reply.send(error)
    // An answer that has begun is cut off, so that it does not look whole. Fastify 4 would throw, and leave
    // the client waiting.
    else if (reply.raw.headersSent) reply.hijack().raw.destroy()
    else void send(reply, answer)
  }
}
