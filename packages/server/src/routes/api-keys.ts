import { GuestpassError } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'
import {
  apiKeyDocument,
  type ApiKeyRole,
  configuredKeyDocument,
  createdApiKeyDocument,
  listDocument,
} from '@guestpass/runtime'
import { callerOf } from '../auth/authenticate.ts'
import type { Caller } from '../auth/caller.ts'
import type { KeyRing } from '../auth/key-ring.ts'
import * as schemas from '../schemas/operations.ts'
import { answers, pageOf } from '../schemas/parts.ts'
import { type App, emptyBody, lastingContext, revealed } from './route-parts.ts'

const tags = ['api-keys']
const operator = { roles: ['operator'] } as const

/** Roles that an operator does not have by itself, and must not give to itself by a new key. */
const RESTRICTED: readonly ApiKeyRole[] = ['connection']

/** Throws `role_missing` for roles that the caller may not hand out. */
function checkRoles({ id, roles }: Caller, asked: readonly ApiKeyRole[]): void {
  const refused = asked.filter((role) => RESTRICTED.includes(role) && !roles.includes(role))
  if (refused.length === 0) return
  throw new GuestpassError(
    'role_missing',
    `API key ${id} cannot make a key with the role ${refused.join(', ')}, which it does not have. Make it on the machine of the service, or with GUESTPASS_API_KEYS.`,
  )
}

/** Adds the routes for API keys. */
export function addApiKeyRoutes(app: App, ring: KeyRing): void {
  app.route({
    method: 'GET',
    url: '/v1/api-keys',
    config: operator,
    schema: {
      operationId: 'listApiKeys',
      tags,
      summary: 'List the API keys of the configuration and of the store, without the keys',
      response: answers({ 200: pageOf(schemas.apiKey) }),
    },
    async handler(request) {
      const { name, keys } = callerOf(request).served
      const stored = await keys.list()
      return listDocument([...ring.configured(name).map(configuredKeyDocument), ...stored.map(apiKeyDocument)])
    },
  })
  app.route({
    method: 'POST',
    url: '/v1/api-keys',
    config: operator,
    schema: {
      operationId: 'createApiKey',
      tags,
      summary: 'Make an API key; the answer is the only one with the key',
      body: schemas.apiKeyRequest,
      response: answers({ 201: schemas.createdApiKey }),
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const { expiresInSeconds, ...asked } = request.body
      checkRoles(caller, asked.roles)
      const lastsMs = expiresInSeconds === undefined ? undefined : expiresInSeconds * SECOND
      const created = await caller.served.keys.create({ ...asked, lastsMs }, lastingContext(request, caller))
      reply.code(201)
      return createdApiKeyDocument(created, revealed)
    },
  })
  addKeyEndRoutes(app)
}

function addKeyEndRoutes(app: App): void {
  app.route({
    method: 'POST',
    url: '/v1/api-keys/:id/rotate',
    config: operator,
    preValidation: emptyBody,
    schema: {
      operationId: 'rotateApiKey',
      tags,
      summary: 'Replace an API key by a new one with the same guests; the former one goes on for `overlapSeconds`',
      params: schemas.apiKeyParams,
      body: schemas.rotationRequest,
      response: answers({ 201: schemas.createdApiKey }),
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const { keys } = caller.served
      const { id } = request.params
      const former = (await keys.list()).find((one) => one.id === id)
      if (former) checkRoles(caller, former.roles)
      const overlapMs = request.body.overlapSeconds * SECOND
      const created = await keys.rotate(id, overlapMs, lastingContext(request, caller))
      reply.code(201)
      return createdApiKeyDocument(created, revealed)
    },
  })
  app.route({
    method: 'DELETE',
    url: '/v1/api-keys/:id',
    config: operator,
    schema: {
      operationId: 'revokeApiKey',
      tags,
      summary: 'Revoke an API key, at once or from a later time on',
      params: schemas.apiKeyParams,
      querystring: schemas.revocationQuery,
      response: answers({ 200: schemas.revokedApiKey }),
    },
    async handler(request) {
      const caller = callerOf(request)
      const inMs = request.query.inSeconds * SECOND
      const { id, endsAt } = await caller.served.keys.revoke(request.params.id, inMs, lastingContext(request, caller))
      return { id, endsAt: iso(endsAt) }
    },
  })
}
