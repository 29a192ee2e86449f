import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isLoopback } from '../loopback.ts'
import { digest } from '../mask.ts'
import { allowHeader, routesAt } from '../methods.ts'
import { NotJson, parseControlBody } from './body.ts'
import { openApiDocument } from './openapi.ts'
import type { ControlRoute } from './route.ts'

export interface ControlOptions {
  readonly routes: readonly ControlRoute[]
  readonly host: string
  /** The base URL of the sandbox, known once it listens. */
  readonly url: () => string
  /** Required in `x-sandbox-token` if the sandbox listens beyond loopback. */
  readonly controlToken: string
}

/** An HTTP error with its status. */
class ControlRefusal extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** Serves the routes that inspect and control the sandbox, and their OpenAPI document. */
export function serveControlRoutes(server: FastifyInstance, options: ControlOptions): void {
  const routes = [...options.routes, documentRoute(options)]
  guardControlRoutes(server, options)
  server.setErrorHandler((error, _request, reply) => problem(reply, ...problemParts(error)))
  server.setNotFoundHandler(refuseUnserved(routes))
  for (const route of routes) {
    server.route({ method: route.method, url: route.path, handler: (request, reply) => answer(route, request, reply) })
  }
}

/** The route of the document, which the document describes too. */
function documentRoute({ routes, host, url }: ControlOptions): ControlRoute {
  const route: ControlRoute = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'Describes the control routes (OpenAPI 3.1)',
    answer: z.record(z.string(), z.unknown()),
    run: () => openApiDocument({ routes: [...routes, route], url: url(), needsToken: !isLoopback(host) }),
  }
  return route
}

async function answer(route: ControlRoute, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  // A form or a no-cors request of a page cannot have this content type without a preflight request.
  if (route.method === 'POST' && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ControlRefusal(415, 'Send the body as application/json.')
  }
  const body = route.body && parseControlBody(request.body)
  const query = request.query as Readonly<Record<string, string | undefined>>
  const setHeader = (name: string, value: string) => void reply.header(name, value)
  const result = await route.run({ body, query, setHeader })
  return route.answer === undefined ? reply.code(204).send() : result
}

/** Answers 405 with the header Allow if the path exists with other methods, else 404 with the list of routes. */
function refuseUnserved(routes: readonly ControlRoute[]) {
  const served = routes.map(({ method, path }) => ({ method, paths: [`/__sandbox${path}`] }))
  const names = [...new Set(routes.map(({ path }) => path.slice(1)))]
  const list = `The control routes are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}, each under /__sandbox/.`
  return ({ method, url }: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const allow = allowHeader(routesAt(served, url))
    if (allow === '') return problem(reply, 404, list)
    return problem(reply.header('allow', allow), 405, `This route does not take ${method}. Send ${allow}.`)
  }
}

/** Refuses pages of another origin and, beyond loopback, requests without the control token. */
function guardControlRoutes(server: FastifyInstance, { host, controlToken, url }: ControlOptions): void {
  server.addHook('onRequest', ({ headers }, reply, next) => {
    const { origin } = headers
    if (origin !== undefined && ![`http://${headers.host}`, new URL(url()).origin].includes(origin)) {
      return problem(reply, 403, 'Pages of another origin may not control the sandbox.')
    }
    if (!isLoopback(host) && !isControlToken(headers['x-sandbox-token'], controlToken)) {
      return problem(
        reply,
        401,
        'Send the header x-sandbox-token with the token that the sandbox printed when it started (controlToken in code).',
      )
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
  405: 'The route does not take this method',
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
