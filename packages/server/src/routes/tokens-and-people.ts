import { guestViewDocument, listDocument, personErasureDocument } from '@guestpass/runtime'
import { callerOf } from '../auth/authenticate.ts'
import * as schemas from '../schemas/guests.ts'
import { answers, pageOf } from '../schemas/parts.ts'
import { type App, callContext } from './route-parts.ts'

/** Adds the route that verifies tokens. */
export function addVerifyRoute(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/tokens/verify',
    config: { roles: ['issuer', 'verifier'] },
    schema: {
      operationId: 'verifyToken',
      tags: ['tokens'],
      summary: 'Verify a guest token: signature, time, claims, revocation',
      body: schemas.verifyRequest,
      response: answers({ 200: schemas.verdict }),
    },
    async handler(request) {
      const { token, subject, scopes } = request.body
      const expectations = { ...(subject === undefined ? {} : { subject }), ...(scopes ? { scopes } : {}) }
      return callerOf(request).served.connection.verifier.verify(token.trim(), expectations)
    },
  })
}

/** Adds the routes for the rights of a person: find, hand out, forget. An address is never part of a URL. */
export function addPeopleRoutes(app: App): void {
  const tags = ['people']
  const config = { roles: ['operator'] } as const
  app.route({
    method: 'POST',
    url: '/v1/people/find',
    config,
    schema: {
      operationId: 'findPerson',
      tags,
      summary: 'Find the guests of an e-mail address',
      body: schemas.person,
      response: answers({ 200: pageOf(schemas.guestView) }),
    },
    async handler(request, reply) {
      const { connection, runtime } = callerOf(request).served
      const found = await connection.guests.find(request.body, callContext(request, reply))
      const now = runtime.ports.clock.wall()
      return listDocument(found.map((view) => guestViewDocument(view, now)))
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/people/export',
    config,
    schema: {
      operationId: 'exportPerson',
      tags,
      summary: 'Give everything that is stored of the person of an address, without tokens',
      body: schemas.person,
      response: answers({ 200: schemas.personExport }),
    },
    async handler(request, reply) {
      const { guests } = callerOf(request).served.connection
      return { ...(await guests.export(request.body, callContext(request, reply))) }
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/people/erase',
    config,
    schema: {
      operationId: 'erasePerson',
      tags,
      summary: 'Erase every guest of an address',
      body: schemas.person,
      response: answers({ 200: schemas.personErasure }),
    },
    async handler(request, reply) {
      const { connection, remainingFiles } = callerOf(request).served
      const erased = await connection.guests.erase(request.body, callContext(request, reply))
      return personErasureDocument(erased, await remainingFiles())
    },
  })
}
