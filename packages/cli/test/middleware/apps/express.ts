import { createServer } from 'node:http'
import express from 'express'
import { guestAuth, guestpassErrors } from '../../../src/middleware/express.ts'
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

export async function expressApp({ verifier, keyless }: RouteParts): Promise<App> {
  const app = express()
  app.use((_request, response, next) => {
    response.set('access-control-allow-origin', 'https://shop.example')
    next()
  })
  const show: express.RequestHandler = (request, response) => void response.json(shown(request.guest))
  app.all('/me', guestAuth(verifier), show)
  app.get('/guests/:guestId', guestAuth(verifier, { subject: (request) => request.params.guestId }), show)
  app.get('/no-subject', guestAuth(verifier, { subject: () => undefined }), show)
  app.get('/scoped', guestAuth(verifier, { scopes }), show)
  app.get('/open', guestAuth(verifier, { optional: true }), show)
  app.get('/cookie', guestAuth(verifier, { token: (request) => cookieOf(request.headers.cookie) }), show)
  app.get('/keyless', guestAuth(keyless), show)
  addFailing((path, fails) => void app.get(path, fails))
  app.get('/half', (_request, response) => {
    response.write('half')
    throw busy()
  })
  app.get('/begun', (_request, response) => {
    response.set(begun)
    throw busy()
  })
  app.use(guestpassErrors())
  return listening(createServer(LARGE, app))
}
