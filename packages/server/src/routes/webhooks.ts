import { deadLetterDocument, endpointDocument, listDocument, webhookTestDocument } from '@guestpass/runtime'
import { callerOf } from '../auth/authenticate.ts'
import * as schemas from '../schemas/operations.ts'
import { answers, pageOf, pageQuery } from '../schemas/parts.ts'
import * as z from 'zod'
import { type App, callContext, emptyBody, masked, revealed } from './route-parts.ts'

const tags = ['webhooks']
const operator = { roles: ['operator'] } as const
const reader = { roles: ['operator', 'auditor'] } as const

/** Adds the routes for webhook endpoints and their deliveries. */
export function addWebhookRoutes(app: App): void {
  addEndpointRoutes(app)
  addChangeRoutes(app)
  addDeliveryRoutes(app)
}

function addEndpointRoutes(app: App): void {
  app.route({
    method: 'GET',
    url: '/v1/webhooks',
    config: reader,
    schema: {
      operationId: 'listWebhooks',
      tags,
      summary: 'List the webhook endpoints, with their waiting events and dead letters; secrets are masked',
      response: answers({ 200: pageOf(schemas.listedEndpoint) }),
    },
    async handler(request) {
      const { webhooks } = callerOf(request).served.runtime
      const all = await webhooks.endpoints.all()
      return listDocument(
        await Promise.all(
          all.map(async (one) => ({ ...endpointDocument(one, masked), ...(await webhooks.counts(one.id)) })),
        ),
      )
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/webhooks',
    config: operator,
    schema: {
      operationId: 'addWebhook',
      tags,
      summary: 'Add a webhook endpoint; the answer has its signing secret',
      body: schemas.endpointRequest,
      response: answers({ 201: schemas.endpoint }),
    },
    async handler(request, reply) {
      const { endpoints } = callerOf(request).served.runtime.webhooks
      const { url, events, includeToken = false } = request.body
      const added = await endpoints.add({ url, includeToken, ...(events ? { events } : {}) })
      reply.code(201)
      return endpointDocument(added, revealed)
    },
  })
}

function addChangeRoutes(app: App): void {
  app.route({
    method: 'PATCH',
    url: '/v1/webhooks/:id',
    config: operator,
    schema: {
      operationId: 'changeWebhook',
      tags,
      summary: 'Enable or disable a webhook endpoint',
      params: schemas.endpointParams,
      body: schemas.endpointChange,
      response: answers({ 200: schemas.endpoint }),
    },
    async handler(request) {
      const { endpoints } = callerOf(request).served.runtime.webhooks
      const { id } = request.params
      const changed = request.body.enabled
        ? await endpoints.enable(id)
        : await endpoints.disable(id, 'an operator disabled it')
      return endpointDocument(changed, masked)
    },
  })
  app.route({
    method: 'DELETE',
    url: '/v1/webhooks/:id',
    config: operator,
    schema: {
      operationId: 'removeWebhook',
      tags,
      summary: 'Remove a webhook endpoint, and drop its waiting events',
      params: schemas.endpointParams,
      response: answers({ 200: schemas.removedEndpoint }),
    },
    async handler(request) {
      const { id } = request.params
      await callerOf(request).served.runtime.webhooks.endpoints.remove(id)
      return { id, removed: true as const }
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/webhooks/:id/rotate',
    config: operator,
    schema: {
      operationId: 'rotateWebhook',
      tags,
      summary: 'Give a webhook endpoint a new secret; the one before signs too until the next rotation',
      params: schemas.endpointParams,
      response: answers({ 200: schemas.endpoint }),
    },
    async handler(request) {
      const { endpoints } = callerOf(request).served.runtime.webhooks
      return endpointDocument(await endpoints.rotate(request.params.id), revealed)
    },
  })
}

function addDeliveryRoutes(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/webhooks/:id/test',
    config: operator,
    schema: {
      operationId: 'testWebhook',
      tags,
      summary: 'Send a test message to a webhook endpoint now',
      params: schemas.endpointParams,
      response: answers({ 200: schemas.endpointTest }),
    },
    async handler(request, reply) {
      const { webhooks } = callerOf(request).served.runtime
      const { id } = request.params
      const { signal } = callContext(request, reply)
      return webhookTestDocument(id, await webhooks.test(id, signal))
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/webhooks/:id/redeliver',
    config: operator,
    preValidation: emptyBody,
    schema: {
      operationId: 'redeliverWebhook',
      tags,
      summary: 'Send events to a webhook endpoint again: those that are named, else all its dead letters',
      params: schemas.endpointParams,
      body: schemas.redeliverRequest,
      response: answers({ 200: schemas.redelivered }),
    },
    async handler(request) {
      const { webhooks } = callerOf(request).served.runtime
      const { id } = request.params
      return { id, redelivered: await webhooks.redeliver(id, request.body.events) }
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/webhooks/:id/dead',
    config: reader,
    schema: {
      operationId: 'listDeadLetters',
      tags,
      summary: 'List the dead letters of a webhook endpoint',
      params: schemas.endpointParams,
      querystring: z.strictObject(pageQuery),
      response: answers({ 200: pageOf(schemas.deadLetter) }),
    },
    async handler(request) {
      const { webhooks } = callerOf(request).served.runtime
      const { limit, cursor } = request.query
      const page = { limit, ...(cursor === undefined ? {} : { after: cursor }) }
      const { messages, next } = await webhooks.deadLetters(request.params.id, page)
      return listDocument(messages.map(deadLetterDocument), next)
    },
  })
}
