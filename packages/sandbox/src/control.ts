import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { type Clock, MAX_OFFSET_MS, iso } from './clock.ts'
import { parseControlBody, NotJson } from './control-body.ts'
import type { Faults } from './faults.ts'
import { serveGuestControlRoutes, type GuestControlParts } from './guest-control.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import { limitBody, type Limits } from './limits.ts'
import { digest } from './mask.ts'
import type { UserDecisions } from './oauth/sign-in-endpoints.ts'
import { isLoopback } from './loopback.ts'

export interface ControlParts extends GuestControlParts {
  readonly clock: Clock
  readonly faults: Faults
  readonly journal: Journal
  readonly keys: Keys
  readonly limits: Limits
  readonly decisions: UserDecisions
  readonly host: string
  /** Required in `x-sandbox-token` if the sandbox listens beyond loopback. */
  readonly controlToken: string
}

const milliseconds = z.int().min(-MAX_OFFSET_MS).max(MAX_OFFSET_MS)

const clockBody = z.union([z.strictObject({ offsetMs: milliseconds }), z.strictObject({ advanceMs: milliseconds })], {
  error: 'either {"offsetMs": …} or {"advanceMs": …}, a whole number of milliseconds',
})
const keysBody = z.strictObject({ roll: z.literal(true), drop: z.boolean().optional() })

/** The routes that inspect and control the sandbox. */
export function serveControlRoutes(server: FastifyInstance, parts: ControlParts): void {
  const { clock, faults, journal, keys, limits, decisions } = parts
  guardControlRoutes(server, parts)
  server.setErrorHandler((error, _request, reply) => problem(reply, ...problemParts(error)))
  server.setNotFoundHandler((_request, reply) =>
    problem(
      reply,
      404,
      'The control routes are journal, faults, clock, keys, limits, consent, device, channels, guests, deliveries, webhooks and health, each under /__sandbox/.',
    ),
  )

  server.get('/health', async () => ({ status: 'up', now: iso(clock.now()) }))
  server.get('/journal', async (_request, reply) => {
    reply.header('x-sandbox-dropped', String(journal.dropped()))
    return journal.entries()
  })
  server.delete('/journal', async (_request, reply) => {
    journal.clear()
    return reply.code(204).send()
  })
  server.get('/faults', async () => faults.pending())
  server.post('/faults', async ({ body }) => {
    faults.script(parseControlBody(body))
    return faults.pending()
  })
  const time = () => ({ now: iso(clock.now()), offsetMs: clock.offset() })
  server.get('/clock', async () => time())
  server.post('/clock', async ({ body }) => {
    moveClock(clock, clockBody.parse(parseControlBody(body)))
    return time()
  })
  server.post('/keys', async ({ body }) => ({ kid: await keys.roll(keysBody.parse(parseControlBody(body))) }))
  server.get('/limits', async () => limits.current())
  server.post('/limits', async ({ body }) => {
    limits.set(limitBody.parse(parseControlBody(body)))
    return limits.current()
  })
  server.get('/consent', async () => decisions.consent.current())
  server.post('/consent', async ({ body }) => {
    decisions.consent.set(parseControlBody(body))
    return decisions.consent.current()
  })
  server.post('/device', async ({ body }, reply) => {
    decisions.device(parseControlBody(body))
    return reply.code(204).send()
  })
  serveGuestControlRoutes(server, parts)
}

function moveClock(clock: Clock, move: z.infer<typeof clockBody>): void {
  const offset = 'offsetMs' in move ? move.offsetMs : clock.offset() + move.advanceMs
  clock.setOffset(milliseconds.parse(offset))
}

/** Refuses pages of another origin and, beyond loopback, requests without the control token. */
function guardControlRoutes(server: FastifyInstance, { host, controlToken }: ControlParts): void {
  server.addHook('onRequest', ({ headers, method }, reply, next) => {
    const { origin } = headers
    if (origin !== undefined && origin !== `http://${headers.host}`) {
      return problem(reply, 403, 'Pages of another origin may not control the sandbox.')
    }
    if (!isLoopback(host) && !isControlToken(headers['x-sandbox-token'], controlToken)) {
      return problem(
        reply,
        401,
        'Send the header x-sandbox-token with the token that the sandbox printed when it started.',
      )
    }
    // A form or a no-cors request of a page cannot have this content type without a preflight request.
    if (method === 'POST' && !/^application\/json\b/i.test(headers['content-type'] ?? '')) {
      return problem(reply, 415, 'Send the body as application/json.')
    }
    return next()
  })
}

function isControlToken(presented: string | string[] | undefined, token: string): boolean {
  return typeof presented === 'string' && timingSafeEqual(Buffer.from(digest(presented)), Buffer.from(digest(token)))
}

function problemParts(error: unknown): [number, string, unknown[]?] {
  if (error instanceof NotJson) return [400, error.message]
  if (error instanceof z.ZodError) {
    const errors = error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
    return [400, errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join('; '), errors]
  }
  const { statusCode = 500, message } = error as { statusCode?: number; message: string }
  return [statusCode, message]
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'The control token is missing or wrong',
  403: 'Not permitted',
  404: 'No such route',
  413: 'The body is too large',
  415: 'The content type is not supported',
}

function problem(reply: FastifyReply, status: number, detail: string, errors?: unknown[]): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: titles[status] ?? 'The sandbox failed',
      status,
      detail,
      ...(errors && { errors }),
    })
}
