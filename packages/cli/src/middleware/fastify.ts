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
    /** The guest of the request, where `guestAuth` ran and a token came. */
    guest?: Guest
  }
}

/** A plugin that checks every request, or the hook of a route. */
export interface GuestAuth {
  (instance: FastifyInstance): Promise<void>
  (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>
}

function send(reply: FastifyReply, { status, headers, body }: ProblemResponse): FastifyReply {
  for (const name of REPLACED_HEADERS) reply.removeHeader(name)
  return reply.code(status).headers(headers).send(body)
}

/**
 * Verifies the guest token of a request of Fastify and sets `request.guest`. Register it to check all routes of the instance, or give it to
 * a route as `onRequest` or `preHandler`. Answers 400, 401, 403 or 503 with a problem document (RFC 6750, RFC 9457). Throws
 * `config_invalid`.
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
  // What fastify-plugin does: the plugin belongs to the instance that it is registered at, not to one of its own.
  return Object.assign(both, { [Symbol.for('skip-override')]: true }) as GuestAuth
}

/** An error handler for Fastify: answers a GuestpassError, leaves others to the handler around this one. Throws `config_invalid`. */
export function guestpassErrors(options: ErrorOptions = {}): FastifyInstance['errorHandler'] {
  const answerTo = createErrorResponder(options)
  return (error, _request, reply) => {
    const answer = answerTo(error)
    if (!answer) void reply.send(error)
    // An answer that has begun is cut off, so that it does not look whole. Fastify 4 would throw, and leave the client waiting.
    else if (reply.raw.headersSent) reply.hijack().raw.destroy()
    else void send(reply, answer)
  }
}
