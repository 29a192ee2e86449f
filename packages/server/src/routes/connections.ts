import { connectionView, GuestpassError } from '@guestpass/core'
import { accessTokenDocument, connectionDocument, listDocument } from '@guestpass/runtime'
import { iso } from '@guestpass/core/runtime-kit'
import type { FastifyRequest } from 'fastify'
import { callerOf } from '../auth/authenticate.ts'
import type { SignInLinks } from '../sign-in/sign-in-links.ts'
import * as schemas from '../schemas/operations.ts'
import { answers, pageOf } from '../schemas/parts.ts'
import { type App, callContext, revealed } from './route-parts.ts'

const tags = ['connections']

/** The connection of the caller, which the route must name: a key opens one connection. */
function namedConnection(request: FastifyRequest<{ Params: { name: string } }>) {
  const { served } = callerOf(request)
  const { name } = request.params
  if (served.name === name) return served
  throw new GuestpassError('connection_unknown', `This API key has no connection ${name.slice(0, 64)}.`)
}

/** Adds the routes for connections and their sign-in. */
export function addConnectionRoutes(app: App, links: SignInLinks): void {
  app.route({
    method: 'GET',
    url: '/v1/connections',
    config: { roles: ['operator'] },
    schema: {
      operationId: 'listConnections',
      tags,
      summary: 'Show how the connection of the key gets its access tokens, never a token',
      response: answers({ 200: pageOf(schemas.connection) }),
    },
    async handler(request) {
      const { name, runtime } = callerOf(request).served
      const view = await connectionView(runtime.store, name)
      return listDocument([connectionDocument(view, runtime.ports.clock.wall())])
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/connections/:name/token',
    config: { roles: ['connection'] },
    schema: {
      operationId: 'getAccessToken',
      tags,
      summary: 'Get an OAuth access token of the connection; needs the role `connection`, which no key has by default',
      params: schemas.connectionParams,
      response: answers({ 200: schemas.accessToken }),
    },
    async handler(request, reply) {
      const { connection } = namedConnection(request)
      return accessTokenDocument(await connection.accessTokens.token(callContext(request, reply)), revealed)
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/connections/:name/login',
    config: { roles: ['operator'] },
    schema: {
      operationId: 'beginSignIn',
      tags,
      summary: 'Get a one-time link by which a user signs in for the connection',
      params: schemas.connectionParams,
      response: answers({ 201: schemas.signInLink }),
    },
    async handler(request, reply) {
      const served = namedConnection(request)
      const { url, expiresAt } = await links.make(served, callerOf(request).id)
      reply.code(201)
      return { url, expiresAt: iso(expiresAt) }
    },
  })
}
