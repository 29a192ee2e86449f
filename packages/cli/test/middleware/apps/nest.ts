import 'reflect-metadata'
import { createServer } from 'node:http'
import { All, Controller, Get, Module, Param, Req, Res, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import express from 'express'
import {
  guestAuth,
  guestpassErrors,
  type GuestAuthOptions,
  type HttpRequest,
  type TokenVerifier,
} from '../../../src/middleware/nest.ts'
import { type App, begun, busy, cookieOf, LARGE, listening, type RouteParts, scopes, shown, thrown } from '../routes.ts'

/** Decorates a class as TypeScript's legacy decorators do, which Node does not read. */
function route(
  target: { readonly prototype: object },
  method: string,
  decorators: readonly MethodDecorator[],
  parameter: ParameterDecorator,
): void {
  parameter(target.prototype, method, 0)
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method) as PropertyDescriptor
  for (const decorate of decorators) decorate(target.prototype, method, descriptor)
}

function guarded(path: string, gp: TokenVerifier, options: GuestAuthOptions<HttpRequest> = {}) {
  class Guarded {
    show(request: HttpRequest) {
      return shown(request.guest)
    }
  }
  Controller()(Guarded)
  route(Guarded, 'show', [path === 'me' ? All(path) : Get(path), UseGuards(guestAuth(gp, options))], Req())
  return Guarded
}

class Failing {
  half(response: express.Response): never {
    response.write('half')
    throw busy()
  }
  begun(response: express.Response): never {
    response.set(begun)
    throw busy()
  }
  throws(name: string): never {
    throw (thrown[name] as () => Error)()
  }
  async rejects(name: string): Promise<never> {
    await Promise.resolve()
    return this.throws(name)
  }
}
Controller()(Failing)
route(Failing, 'half', [Get('half')], Res())
route(Failing, 'begun', [Get('begun')], Res())
route(Failing, 'throws', [Get('throws/:name')], Param('name'))
route(Failing, 'rejects', [Get('rejects/:name')], Param('name'))

export async function nestApp({ verifier, keyless }: RouteParts): Promise<App> {
  class Routes {
    readonly name = 'routes'
  }
  Module({
    controllers: [
      guarded('me', verifier),
      guarded('guests/:guestId', verifier, { subject: (request) => request.params['guestId'] }),
      guarded('no-subject', verifier, { subject: () => undefined }),
      guarded('scoped', verifier, { scopes }),
      guarded('open', verifier, { optional: true }),
      guarded('cookie', verifier, { token: (request) => cookieOf(request.headers.cookie) }),
      guarded('keyless', keyless),
      Failing,
    ],
  })(Routes)
  const server = express()
  server.use((_request, response, next) => {
    response.set('access-control-allow-origin', 'https://shop.example')
    next()
  })
  const app = await NestFactory.create(Routes, new ExpressAdapter(server), { logger: false })
  app.useGlobalFilters(guestpassErrors())
  await app.init()
  const { url, close } = await listening(createServer(LARGE, server))
  return { url, close: async () => void (await Promise.all([close(), app.close()])) }
}
