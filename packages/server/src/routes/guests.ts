import type { GuestRequest } from '@guestpass/core'
import { currentStatuses, why } from '@guestpass/core/runtime-kit'
import {
  erasureDocument,
  explanationDocument,
  guestDocument,
  guestViewDocument,
  listDocument,
  revocationDocument,
  tokenDocument,
} from '@guestpass/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { callerOf } from '../auth/authenticate.ts'
import * as schemas from '../schemas/guests.ts'
import { answers, apiQuery, guestParams, pageOf, pageQuery, text } from '../schemas/parts.ts'
import { type App, callContext, emptyBody, lastingContext, revealed } from './route-parts.ts'
import { durationIn, momentIn } from './times-in-query.ts'

const tags = ['guests']

/** The header that makes a request for a guest repeatable. */
const repeatable = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'is not 1 to 255 visible ASCII characters')
    .optional()
    .describe('a repeat of the request with the same key within 24 hours gets the same answer'),
})

/** The context of the calls about the guest that a route names, whose query may have its API. */
const guestContext = (request: FastifyRequest<{ Querystring: z.output<typeof apiQuery> }>, reply: FastifyReply) => ({
  ...callContext(request, reply),
  ...request.query,
})

/** Adds the routes that issue, renew and show guests. */
export function addGuestRoutes(app: App): void {
  addIssueRoute(app)
  addTokenRoutes(app)
  addReadRoutes(app)
  addEndRoutes(app)
}

function addIssueRoute(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/guests',
    config: { roles: ['issuer'] },
    schema: {
      operationId: 'issueGuest',
      tags,
      summary: 'Issue a guest token',
      headers: repeatable,
      body: schemas.guestRequest,
      response: answers({ 201: schemas.issuedGuest }),
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const { connection, answers: stored, config } = caller.served
      const body = withChannel(request.body, config.settings.channelId) as unknown as GuestRequest
      const key = request.headers['idempotency-key']
      reply.code(201)
      if (key === undefined)
        return guestDocument(await connection.guests.issue(body, callContext(request, reply)), revealed)
      const once = { scope: caller.scope, key, body: request.body }
      return stored.once(once, () => connection.guests.issue(body, lastingContext(request, caller)))
    },
  })
}

/** The channel of the configuration, for a request of an API with channels that names none. */
function withChannel(body: Readonly<Record<string, unknown>>, channelId: string | undefined) {
  const needsChannel = body['api'] === 'engagements' && body['channelId'] === undefined && channelId !== undefined
  return needsChannel ? { ...body, channelId } : body
}

function addTokenRoutes(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/guests/:guestId/token',
    config: { roles: ['issuer'] },
    schema: {
      operationId: 'getGuestToken',
      tags,
      summary: "Get a guest's token that is valid now, renewed if it is due",
      params: guestParams,
      querystring: apiQuery,
      response: answers({ 200: schemas.guestToken }),
    },
    async handler(request, reply) {
      const { guests } = callerOf(request).served.connection
      const context = guestContext(request, reply)
      return tokenDocument(await guests.token(request.params.guestId, context), revealed)
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/guests/:guestId/refresh',
    config: { roles: ['issuer'] },
    preValidation: emptyBody,
    schema: {
      operationId: 'refreshGuest',
      tags,
      summary: "Renew a guest's token now, exactly once",
      params: guestParams,
      querystring: apiQuery,
      body: schemas.refreshRequest,
      response: answers({ 200: schemas.guestToken }),
    },
    async handler(request, reply) {
      const { guests } = callerOf(request).served.connection
      const context = guestContext(request, reply)
      const issued = await guests.refresh(request.params.guestId, request.body, context)
      return tokenDocument(issued, revealed)
    },
  })
}

const listQuery = z.strictObject({
  ...pageQuery,
  api: apiQuery.shape.api,
  status: z.enum(currentStatuses).optional().describe('the status that the guests have now'),
  channelId: text.optional(),
  expiresWithin: text.optional().describe('the time in which their tokens expire, as 90m, 24h or 7d'),
})

function addReadRoutes(app: App): void {
  app.route({
    method: 'GET',
    url: '/v1/guests',
    config: { roles: ['issuer', 'operator'] },
    schema: {
      operationId: 'listGuests',
      tags,
      summary: 'List guests, never with a token: an issuer those of its key or group',
      querystring: listQuery,
      response: answers({ 200: pageOf(schemas.guestView) }),
    },
    async handler(request, reply) {
      const { cursor, expiresWithin, ...filter } = request.query
      const { connection, runtime } = callerOf(request).served
      const expiresWithinMs = durationIn('expiresWithin', expiresWithin)
      const options = { ...filter, after: cursor, expiresWithinMs }
      const { guests, next } = await connection.guests.list(options, callContext(request, reply))
      const now = runtime.ports.clock.wall()
      return listDocument(
        guests.map((view) => guestViewDocument(view, now)),
        next,
      )
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/guests/:guestId',
    config: { roles: ['issuer', 'operator'] },
    schema: {
      operationId: 'showGuest',
      tags,
      summary: 'Show a guest, without its token',
      params: guestParams,
      querystring: apiQuery,
      response: answers({ 200: schemas.guestView }),
    },
    async handler(request, reply) {
      const { connection, runtime } = callerOf(request).served
      const context = guestContext(request, reply)
      return guestViewDocument(
        await connection.guests.show(request.params.guestId, context),
        runtime.ports.clock.wall(),
      )
    },
  })
  addWhyRoute(app)
}

function addWhyRoute(app: App): void {
  app.route({
    method: 'GET',
    url: '/v1/guests/:guestId/why',
    config: { roles: ['operator'] },
    schema: {
      operationId: 'explainGuest',
      tags,
      summary: 'Explain why a guest was asked again, refused, renewed or ended',
      params: guestParams,
      querystring: apiQuery.extend({
        at: text
          .optional()
          .describe('what had happened until then: an age as 90m, or a time in ISO 8601; default: now'),
      }),
      response: answers({ 200: schemas.explanation }),
    },
    async handler(request) {
      const { name, config, runtime } = callerOf(request).served
      const { at, api } = request.query
      const { guestId } = request.params
      const question = { guestId, api, at: momentIn('at', at, runtime.ports.clock.wall()) }
      return explanationDocument(await why(name, question, runtime.store), config)
    },
  })
}

function addEndRoutes(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/guests/:guestId/revoke',
    config: { roles: ['issuer', 'operator'] },
    schema: {
      operationId: 'revokeGuest',
      tags,
      summary: 'Revoke a guest: its tokens are refused, and no further one is issued',
      params: guestParams,
      querystring: apiQuery,
      response: answers({ 200: schemas.revocation }),
    },
    async handler(request, reply) {
      const { guests } = callerOf(request).served.connection
      const context = guestContext(request, reply)
      return revocationDocument(await guests.revoke(request.params.guestId, context))
    },
  })
  app.route({
    method: 'DELETE',
    url: '/v1/guests/:guestId',
    config: { roles: ['issuer', 'operator'] },
    schema: {
      operationId: 'eraseGuest',
      tags,
      summary: 'Erase a guest: revoke it, and delete personal data; the answer names what remains elsewhere',
      params: guestParams,
      querystring: apiQuery,
      response: answers({ 200: schemas.erasure }),
    },
    async handler(request, reply) {
      const { connection, remainingFiles } = callerOf(request).served
      const context = guestContext(request, reply)
      return erasureDocument(await connection.guests.erase(request.params.guestId, context), await remainingFiles())
    },
  })
}
