import { fastify, type FastifyRequest } from 'fastify'
import { guestAuth, guestpassErrors } from '../../../src/middleware/fastify.ts'
import { addFailing, type App, begun, busy, cookieOf, LARGE, type RouteParts, scopes, shown } from '../routes.ts'

export async function fastifyApp({ verifier, keyless }: RouteParts): Promise<App> {
  const app = fastify({ http: LARGE, forceCloseConnections: true })
  app.setErrorHandler(guestpassErrors())
  app.addHook(
    'onRequest',
    async (_request, reply) => void reply.header('access-control-allow-origin', 'https://shop.example'),
  )
  const show = async (request: FastifyRequest) => shown(request.guest)
  await app.register(async (me) => {
    await me.register(guestAuth(verifier))
    me.all('/me', show)
  })
  app.get<{ Params: { guestId: string } }>(
    '/guests/:guestId',
    { preHandler: guestAuth(verifier, { subject: (request) => (request.params as { guestId: string }).guestId }) },
    async (request) => shown(request.guest),
  )
  app.get('/no-subject', { preHandler: guestAuth(verifier, { subject: () => undefined }) }, show)
  app.get('/scoped', { onRequest: guestAuth(verifier, { scopes }) }, show)
  app.get('/open', { preHandler: [guestAuth(verifier, { optional: true })] }, show)
  app.get(
    '/cookie',
    { preHandler: guestAuth(verifier, { token: (request) => cookieOf(request.headers.cookie) }) },
    show,
  )
  app.get('/keyless', { preHandler: guestAuth(keyless) }, show)
  addFailing((path, fails) => void app.get(path, fails))
  app.get('/half', async (_request, reply) => {
    reply.raw.writeHead(200).write('half')
    throw busy()
  })
  app.get('/begun', async (_request, reply) => {
    void reply.headers(begun)
    throw busy()
  })
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
}
