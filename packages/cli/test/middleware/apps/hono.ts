import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { guestAuth, guestpassErrors } from '../../../src/middleware/hono.ts'
import {
  addFailing,
  type App,
  begun,
  busy,
  cookieOf,
  LARGE,
  listening,
  type RouteParts,
  scopes,
  shown,
} from '../routes.ts'

export async function honoApp({ verifier, keyless }: RouteParts): Promise<App> {
  const app = new Hono()
  app.onError(guestpassErrors())
  app.use(async (c, next) => {
    c.header('access-control-allow-origin', 'https://shop.example')
    await next()
  })
  app.all('/me', guestAuth(verifier), (c) => c.json(shown(c.get('guest'))))
  app.get('/guests/:guestId', guestAuth(verifier, { subject: (c) => c.req.param('guestId') }), (c) =>
    c.json(shown(c.get('guest'))),
  )
  app.get('/no-subject', guestAuth(verifier, { subject: () => undefined }), (c) => c.json(shown(c.get('guest'))))
  app.get('/scoped', guestAuth(verifier, { scopes }), (c) => c.json(shown(c.get('guest'))))
  app.get('/open', guestAuth(verifier, { optional: true }), (c) => c.json(shown(c.get('guest'))))
  app.get('/cookie', guestAuth(verifier, { token: (c) => cookieOf(c.req.header('cookie')) }), (c) =>
    c.json(shown(c.get('guest'))),
  )
  app.get('/keyless', guestAuth(keyless), (c) => c.json(shown(c.get('guest'))))
  addFailing((path, fails) => void app.get(path, fails))
  app.get('/half', (c) => {
    const half = new TextEncoder().encode('half')
    async function* body() {
      yield half
      await Promise.resolve()
      throw busy()
    }
    return c.body(Readable.toWeb(Readable.from(body())) as ReadableStream)
  })
  app.get('/begun', (c) => {
    for (const [name, value] of Object.entries(begun)) c.header(name, value)
    throw busy()
  })
  const listener = getRequestListener(app.fetch)
  return listening(createServer(LARGE, (request, response) => void listener(request, response)))
}
