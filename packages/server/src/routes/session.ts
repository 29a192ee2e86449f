import { GuestpassError } from '@guestpass/core'
import { apiKeyRoles } from '@guestpass/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { callerOf } from '../auth/authenticate.ts'
import type { Caller } from '../auth/caller.ts'
import { keyForThisRun } from '../auth/run-key.ts'
import type { KeyRing } from '../auth/key-ring.ts'
import type { ServedConnections } from '../connections/served-connection.ts'
import { page } from '../docs/page.ts'
import * as schemas from '../schemas/operations.ts'
import { answers } from '../schemas/parts.ts'
import type { OneTimeCode } from '../session/one-time-code.ts'
import type { OwnOrigin } from '../session/own-origin.ts'
import { endedSessionCookie, sessionCookie, sessionIn } from '../session/session-cookie.ts'
import type { Sessions } from '../session/sessions.ts'
import type { App } from './route-parts.ts'

interface SessionParts {
  readonly sessions: Sessions
  readonly origin: OwnOrigin
  readonly keys: KeyRing
  readonly connections: ServedConnections
  /** The code of the address that the program prints. Absent: it prints none. */
  readonly code?: OneTimeCode | undefined
}

const tags = ['session']

const sessionDocument = ({ id, roles, served }: Caller) => ({ key: id, connection: served.name, roles })

/** Adds the routes by which a browser gets a session in place of an API key, and the page at the root. */
export function addSessionRoutes(app: App, parts: SessionParts): void {
  const { sessions, origin } = parts
  app.route({
    method: 'POST',
    url: '/session',
    schema: {
      operationId: 'beginSession',
      tags,
      summary: 'Begin a session of a browser with an API key; the answer sets its cookie',
      body: schemas.sessionRequest,
      response: answers({ 201: schemas.session }),
    },
    async handler(request, reply) {
      origin.check(request, false)
      const caller = await begin(parts, request.body.key.trim(), request, reply)
      if (!caller) throw new GuestpassError('api_key_invalid', 'The API key is unknown, was revoked, or has expired.')
      reply.code(201)
      return sessionDocument(caller)
    },
  })
  app.route({
    method: 'GET',
    url: '/session',
    config: { roles: apiKeyRoles },
    schema: {
      operationId: 'showSession',
      tags,
      summary: 'Show the key of a session, or of the request, with its roles',
      response: answers({ 200: schemas.session }),
    },
    handler: async (request) => sessionDocument(callerOf(request)),
  })
  app.route({
    method: 'DELETE',
    url: '/session',
    schema: {
      operationId: 'endSession',
      tags,
      summary: 'End the session of a browser, and remove its cookie',
      response: answers({ 200: schemas.endedSession }),
    },
    async handler(request, reply) {
      origin.check(request, true)
      const isSecure = origin.isSecure(request)
      const cookie = sessionIn(request.headers.cookie, isSecure)
      if (cookie) await sessions.end(cookie)
      reply.header('set-cookie', endedSessionCookie(isSecure)).header('cache-control', 'no-store')
      return { ended: true as const }
    },
  })
  addPages(app, parts)
}

/** Begins a session of a key. Undefined: the key is not valid. */
async function begin({ sessions, origin }: SessionParts, key: string, request: FastifyRequest, reply: FastifyReply) {
  const begun = await sessions.begin(key)
  if (!begun) return undefined
  reply
    .header('set-cookie', sessionCookie(begun.cookie, origin.isSecure(request)))
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
  return begun.caller
}

function addPages(app: App, parts: SessionParts): void {
  const { keys, connections, code } = parts
  app.route({
    method: 'GET',
    url: '/session/:code',
    schema: { hide: true, params: z.object({ code: z.string().max(100) }) },
    async handler(request, reply) {
      if (!code?.take(request.params.code))
        throw new GuestpassError(
          'sign_in_refused',
          'This address was opened before, or is older than 10 minutes. Restart the service for a new one, or send an API key to POST /session.',
          { reason: 'expired' },
        )
      // The session has a key of its own, which no program knows.
      const made = keyForThisRun(connections.first.name, 'browser', 'the address that serve printed')
      keys.add(made)
      await begin(parts, made.key.reveal(), request, reply)
      return reply.redirect('../', 303)
    },
  })
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', page.policy)
      .send(page.html('Service', LINKS)),
  )
}

const LINKS = `<p>The service runs.</p>
<ul>
<li><a href="docs">The routes</a>, and <a href="openapi.json">their OpenAPI document</a></li>
<li><a href="readyz">Whether it takes requests</a></li>
</ul>`
