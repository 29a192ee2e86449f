import Fastify, { type FastifyInstance } from 'fastify'
import { serveEndpoints, type ApiParts } from './api.ts'
import { type ControlOptions, serveControlRoutes } from './control/serve.ts'
import { isLoopback, isLoopbackHostHeader } from './loopback.ts'

interface ServerOptions extends ControlOptions {
  /** The parts that serve the endpoints. A reset replaces them; their paths stay the same. */
  readonly current: () => ApiParts
  readonly allowedHosts: readonly string[]
}

const MAX_BODY_BYTES = 1024 * 1024

/** Creates the HTTP server of the endpoints. It does not listen yet. */
export function createServer(options: ServerOptions): FastifyInstance {
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
  })
  // Endpoints get bodies as bytes: they authenticate the caller before they parse, and each dialect has its
  // own errors.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  if (isLoopback(options.host)) checkHost(server, options.allowedHosts)
  server.register(async (scope) => serveControlRoutes(scope, options), { prefix: '/__sandbox' })
  server.register(async (scope) => serveEndpoints(scope, options.current))
  return server
}

function checkHost(server: FastifyInstance, allowedHosts: readonly string[]): void {
  server.addHook('onRequest', (request, reply, next) => {
    if (isLoopbackHostHeader(request.headers.host, allowedHosts)) return next()
    return reply
      .code(403)
      .type('text/plain')
      .send('This sandbox listens on loopback and answers only requests for localhost or 127.0.0.1.\n')
  })
}
