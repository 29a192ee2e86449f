import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from './clock.ts'
import type { Answer, Dialect, Endpoint } from './endpoint.ts'
import { answerAsScripted } from './scripted-answer.ts'
import type { FaultEffect, Faults } from './faults.ts'
import type { Journal, OpenEntry } from './journal.ts'
import { cors, preflight } from './loopback.ts'
import type { Randomness } from './random.ts'
import { plainRefusal } from './refusal.ts'

export interface ApiParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly journal: Journal
  readonly faults: Faults
  readonly endpoints: readonly Endpoint[]
}

interface Underway {
  readonly entry: OpenEntry
  readonly correlationId: string
}

/** Serves the endpoints: journal, faults, correlation ids, CORS and the sandbox's own Date are the same for all of them. */
export function serveEndpoints(server: FastifyInstance, parts: ApiParts): void {
  const { clock, random, journal, faults, endpoints } = parts
  const underway = new WeakMap<FastifyRequest, Underway>()
  const closing = new AbortController()
  const wait = async (ms: number): Promise<void> => sleep(ms, undefined, { signal: closing.signal })
  server.addHook('preClose', async () => closing.abort())

  const begun = (request: FastifyRequest): Underway => {
    const known = underway.get(request)
    if (known !== undefined) return known
    const { method, url, headers } = request
    const fresh = { entry: journal.open({ method, url, headers }), correlationId: random.uuid() }
    underway.set(request, fresh)
    return fresh
  }
  const send = (
    request: FastifyRequest,
    reply: FastifyReply,
    answer: Answer,
    dialect: Dialect = 'api',
  ): FastifyReply => {
    const { entry, correlationId } = begun(request)
    entry.status(answer.status)
    return write(reply, answer, {
      ...(dialect !== 'page' && cors),
      'inin-correlation-id': correlationId,
      date: new Date(clock.now()).toUTCString(),
    })
  }

  server.addHook('onRequest', (request, reply, next) => {
    if (request.method === 'OPTIONS') return reply.code(204).headers(preflight(request.headers)).send()
    begun(request)
    return next()
  })
  server.addHook('preHandler', async (request) => {
    if (Buffer.isBuffer(request.body)) begun(request).entry.body(request.headers['content-type'], request.body)
  })
  const failed =
    (dialect: Dialect) =>
    (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
      const [status, message] = unforeseen(error)
      void send(request, reply, plainRefusal(dialect, status, message).answer(begun(request).correlationId), dialect)
    }
  server.setErrorHandler(failed('api'))
  server.setNotFoundHandler((request, reply) =>
    send(
      request,
      reply,
      plainRefusal('api', 404, 'The requested resource was not found.').answer(begun(request).correlationId),
    ),
  )
  for (const endpoint of endpoints) {
    const { operation, method, dialect } = endpoint
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { entry, correlationId } = begun(request)
      entry.note({ operation })
      const answerHeaders: Record<string, string> = {}
      const call = {
        method: request.method,
        params: request.params as Record<string, string>,
        query: new URLSearchParams(request.url.split('?')[1] ?? ''),
        headers: request.headers,
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        correlationId,
        answerHeaders,
        note: entry.note,
      }
      const noteFault = (fault: FaultEffect) => entry.note({ fault })
      const outcome = await answerAsScripted(endpoint, call, { faults, wait, noteFault }).catch((error: unknown) => {
        // A scripted delay that the closing sandbox cut short: there is nothing to tell the client.
        if (closing.signal.aborted) return 'reset' as const
        throw error
      })
      if (outcome === 'reset') return reset(request, reply)
      return send(request, reply, { ...outcome, headers: { ...answerHeaders, ...outcome.headers } }, dialect)
    }
    for (const url of endpoint.paths) server.route({ method, url, handler, errorHandler: failed(dialect) })
  }
}

function write(reply: FastifyReply, answer: Answer, always: Readonly<Record<string, string>>): FastifyReply {
  const { status, headers, json, text } = answer
  const typed = json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }
  const filled = reply.code(status).headers({ ...always, ...typed, ...headers })
  return json === undefined ? filled.send(text) : filled.send(JSON.stringify(json))
}

function reset(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.resetAndDestroy()
  return reply
}

/** Status and message for what the server itself refuses, as a body that is too large. */
function unforeseen(error: unknown): [number, string] {
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (statusCode !== undefined && statusCode < 500) return [statusCode, message ?? 'The request is not valid.']
  return [500, `The sandbox failed: ${message ?? String(error)}`]
}
