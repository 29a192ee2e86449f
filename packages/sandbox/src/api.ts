import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from './clock.ts'
import { cors, preflight } from './cors.ts'
import type { Answer, Dialect, Endpoint } from './endpoint.ts'
import type { FaultEffect, Faults } from './faults.ts'
import type { Journal, OpenEntry } from './journal.ts'
import { allowHeader, routesAt } from './methods.ts'
import type { Randomness } from './random.ts'
import { plainRefusal } from './refusal.ts'
import { answerAsScripted } from './scripted-answer.ts'

export interface ApiParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly journal: Journal
  readonly faults: Faults
  readonly endpoints: readonly Endpoint[]
}

/** A request in progress. */
interface Exchange {
  /** The parts that were current when it came. */
  readonly parts: ApiParts
  readonly entry: OpenEntry
  readonly correlationId: string
}

interface ApiState {
  readonly current: () => ApiParts
  readonly exchanges: WeakMap<FastifyRequest, Exchange>
  /** Aborted when the sandbox closes, which ends scripted delays. */
  readonly closing: AbortController
}

/**
 * Serves the endpoints, with journal, faults, correlation ids, CORS and the Date of the sandbox's clock for
 * all.
 */
export function serveEndpoints(server: FastifyInstance, current: () => ApiParts): void {
  const state: ApiState = { current, exchanges: new WeakMap(), closing: new AbortController() }
  server.addHook('preClose', async () => state.closing.abort())
  server.addHook('onRequest', (request, reply, next) => {
    if (request.method === 'OPTIONS') return reply.code(204).headers(preflight(request.headers)).send()
    exchangeOf(state, request)
    return next()
  })
  server.addHook('preHandler', async (request) => {
    const { entry } = exchangeOf(state, request)
    if (Buffer.isBuffer(request.body)) entry.body(request.headers['content-type'], request.body)
  })
  server.setErrorHandler(errorHandler(state, 'api'))
  const { endpoints } = current()
  server.setNotFoundHandler((request, reply) => refuseUnserved(state, endpoints, request, reply))
  for (const [at, { method, dialect, paths }] of endpoints.entries()) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => handle(state, at, request, reply)
    for (const url of paths) server.route({ method, url, handler, errorHandler: errorHandler(state, dialect) })
  }
}

/** Answers 405 with the header Allow if the path exists with other methods, else 404. */
function refuseUnserved(
  state: ApiState,
  endpoints: readonly Endpoint[],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const served = routesAt(endpoints, request.url)
  const [first] = served
  if (first === undefined)
    return sendRefusal(state, request, reply, 'api', [404, 'The requested resource was not found.'])
  const allow = allowHeader(served)
  const message = `${request.method} is not supported here. Send ${allow}.`
  return sendRefusal(state, request, reply.header('allow', allow), first.dialect, [405, message])
}

/** The journal entry and correlation id of a request. The first call makes them. */
function exchangeOf({ exchanges, current }: ApiState, request: FastifyRequest): Exchange {
  const known = exchanges.get(request)
  if (known !== undefined) return known
  const parts = current()
  const { method, url, headers } = request
  const entry = parts.journal.open({ method, url, headers })
  const exchange = { parts, entry, correlationId: parts.random.uuid() }
  exchanges.set(request, exchange)
  return exchange
}

async function handle(
  state: ApiState,
  at: number,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { closing } = state
  const { entry, correlationId, parts } = exchangeOf(state, request)
  const { faults } = parts
  const endpoint = parts.endpoints[at]
  if (endpoint === undefined) throw new RangeError(`The sandbox has no endpoint ${at}.`)
  entry.note({ operation: endpoint.operation })
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
  const wait = async (ms: number): Promise<void> => sleep(ms, undefined, { signal: closing.signal })
  const noteFault = (fault: FaultEffect) => entry.note({ fault })
  const answer = await answerAsScripted(endpoint, call, { faults, wait, noteFault }).catch((error: unknown) => {
    // The closing sandbox ended a scripted delay: the client gets no answer.
    if (closing.signal.aborted) return 'reset' as const
    throw error
  })
  if (answer === 'reset') return reset(request, reply)
  const headers = { ...answerHeaders, ...answer.headers }
  return sendAnswer(state, request, reply, endpoint.dialect, { ...answer, headers })
}

function sendAnswer(
  state: ApiState,
  request: FastifyRequest,
  reply: FastifyReply,
  dialect: Dialect,
  answer: Answer,
): FastifyReply {
  const { entry, correlationId, parts } = exchangeOf(state, request)
  entry.status(answer.status)
  return write(reply, answer, {
    ...(dialect !== 'page' && cors),
    'inin-correlation-id': correlationId,
    date: new Date(parts.clock.now()).toUTCString(),
  })
}

function sendRefusal(
  state: ApiState,
  request: FastifyRequest,
  reply: FastifyReply,
  dialect: Dialect,
  [status, message]: readonly [status: number, message: string],
): FastifyReply {
  const answer = plainRefusal(dialect, status, message).answer(exchangeOf(state, request).correlationId)
  return sendAnswer(state, request, reply, dialect, answer)
}

const errorHandler =
  (state: ApiState, dialect: Dialect) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): void =>
    void sendRefusal(state, request, reply, dialect, serverError(error))

function write(reply: FastifyReply, answer: Answer, always: Readonly<Record<string, string>>): FastifyReply {
  const { status, headers, json, text } = answer
  const contentType = json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }
  const filled = reply.code(status).headers({ ...always, ...contentType, ...headers })
  return json === undefined ? filled.send(text) : filled.send(JSON.stringify(json))
}

function reset(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.resetAndDestroy()
  return reply
}

/** Status and message of an error of the HTTP server itself, as for a body that is too large. */
function serverError(error: unknown): readonly [status: number, message: string] {
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (statusCode !== undefined && statusCode < 500) return [statusCode, message ?? 'The request is not valid.']
  return [500, `The sandbox failed: ${message ?? String(error)}`]
}
