import { GuestpassError } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticate, type AuthenticationParts } from '../auth/authenticate.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Readiness } from '../readiness.ts'
import * as schemas from '../schemas/operations.ts'
import { problem } from '../schemas/parts.ts'
import type { App } from './route-parts.ts'

interface OperationParts extends AuthenticationParts {
  readonly readiness: Readiness
  readonly metrics: Metrics
  /** Whether requests come through a proxy. Then no caller counts as loopback. */
  readonly isProxied: boolean
}

/** Adds the routes for the operation of the service: whether it is alive and ready, and its metrics. */
export function addOperationRoutes(app: App, parts: OperationParts): void {
  const tags = ['operation']
  const { readiness, metrics } = parts
  app.route({
    method: ['GET', 'HEAD'],
    url: '/livez',
    schema: { hide: true },
    handler: async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'alive' }),
  })
  const answerReadiness = async (_request: FastifyRequest, reply: FastifyReply) => {
    const found = await readiness.look()
    return reply
      .code(found.status === 'ready' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(found)
  }
  app.route({ method: 'HEAD', url: '/readyz', schema: { hide: true }, handler: answerReadiness })
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'readiness',
      tags,
      summary: 'Whether this instance takes requests, and how its workers do; 503 while it does not',
      response: { 200: schemas.readiness, 503: schemas.readiness },
    },
    handler: answerReadiness,
  })
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: 'metrics',
      tags,
      summary: 'The metrics of this instance in the format of Prometheus, for loopback and the role `metrics`',
      security: [{}, { apiKey: [] }],
      response: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: schemas.metricsText } } },
        '4xx': { description: 'A problem document', content: { 'application/problem+json': { schema: problem } } },
      },
    },
    async handler(request, reply) {
      if (!isLocal(request, parts)) await authenticate(request, ['metrics'], parts)
      return reply.type(metrics.contentType).send(await metrics.text())
    },
  })
}

/** Whether the caller is on this machine. A proxy on it would make every caller look so. */
function isLocal({ headers, socket }: FastifyRequest, { isProxied }: OperationParts): boolean {
  if (isProxied || headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) return false
  if (headers.authorization !== undefined) return false
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  return isLoopback(address)
}

/** The error of a path that no route has. */
export const unknownRoute = (method: string): GuestpassError =>
  new GuestpassError('route_unknown', `The service has no such route for ${method}. /openapi.json lists its routes.`)

/** The error of a method that the routes of a path do not have. */
export const wrongMethod = (method: string, allowed: readonly string[]): GuestpassError =>
  new GuestpassError('method_not_allowed', `This route does not take ${method}, but ${allowed.join(', ')}.`)
