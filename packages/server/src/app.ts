import cors from '@fastify/cors'
import type { Clock } from '@guestpass/core'
import { stopwatch } from '@guestpass/core/runtime-kit'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { authenticate } from './auth/authenticate.ts'
import type { KeyRing } from './auth/key-ring.ts'
import type { Quotas } from './auth/quotas.ts'
import type { ServedConnections } from './connections/served-connection.ts'
import { addDocumentRoutes, addOpenApi } from './docs/open-api.ts'
import type { OpenStreams } from './events/open-streams.ts'
import { onAnswerEnd } from './http/answer-end.ts'
import type { HostCheck } from './http/host-check.ts'
import { addJsonParser, BODY_LIMIT } from './http/json-body.ts'
import type { ServiceLog } from './http/log.ts'
import { answerMalformed } from './http/malformed-requests.ts'
import { asServiceError, createProblems } from './http/problems.ts'
import { REQUEST_ID, requestIdOf } from './http/request-id.ts'
import { recordRouteMethods } from './http/route-methods.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Readiness } from './readiness.ts'
import { addApiKeyRoutes } from './routes/api-keys.ts'
import { addAuditRoutes } from './routes/audit.ts'
import { addConnectionRoutes } from './routes/connections.ts'
import { addEventRoutes } from './routes/events.ts'
import { addGuestRoutes } from './routes/guests.ts'
import { addOperationRoutes, unknownRoute, wrongMethod } from './routes/operation.ts'
import type { App } from './routes/route-parts.ts'
import { addSessionRoutes } from './routes/session.ts'
import { addSignInRoutes } from './routes/sign-in.ts'
import { addPeopleRoutes, addVerifyRoute } from './routes/tokens-and-people.ts'
import { addWebhookRoutes } from './routes/webhooks.ts'
import type { OneTimeCode } from './session/one-time-code.ts'
import type { OwnOrigin } from './session/own-origin.ts'
import type { Sessions } from './session/sessions.ts'
import type { SignInLinks } from './sign-in/sign-in-links.ts'
import { beginRequestSpan, type RequestSpan } from './tracing.ts'

/** What the routes of an instance need. */
export interface AppParts {
  readonly connections: ServedConnections
  readonly keys: KeyRing
  readonly quotas: Quotas
  readonly sessions: Sessions
  readonly origin: OwnOrigin
  /** The code of the address that the program prints for a browser. Default: none. */
  readonly code?: OneTimeCode | undefined
  readonly streams: OpenStreams
  readonly links: SignInLinks
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly hostCheck: HostCheck
  readonly log: ServiceLog
  readonly clock: Clock
  readonly version: string
  /** Proxies whose headers are believed. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Origins of pages that may call the service. Default: none. */
  readonly corsOrigins?: readonly string[] | undefined
}

/** Longer parameters are refused. An id of 200 characters may be percent-encoded. */
const MAX_PARAM_LENGTH = 2_500
/** How long a client may take to send its request, in milliseconds. */
const REQUEST_TIMEOUT = 30_000

/** Creates the HTTP server of an instance with all routes. It does not listen. */
export async function createApp(parts: AppParts): Promise<App> {
  const { clock, log } = parts
  const problems = createProblems(clock, log)
  const server = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    genReqId: requestIdOf,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    ...(parts.trustedProxies ? { trustProxy: [...parts.trustedProxies] } : {}),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: answerMalformed,
    frameworkErrors: (error, request, reply) => void problems.answer(error, request, reply),
  })
  const app = withSchemas(server)
  app.setErrorHandler((error, request, reply) => problems.answer(error, request, reply))
  const routeMethods = recordRouteMethods(server)
  app.setNotFoundHandler((request, reply) => {
    const allowed = routeMethods.of(request.url)
    if (allowed.length === 0) return problems.answer(unknownRoute(request.method), request, reply)
    reply.header('allow', allowed.join(', '))
    return problems.answer(wrongMethod(request.method, allowed), request, reply)
  })
  addJsonParser(app)
  addHooks(app, parts)
  if (parts.corsOrigins)
    await app.register(cors, {
      origin: [...parts.corsOrigins],
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      exposedHeaders: [REQUEST_ID, 'retry-after'],
      maxAge: 600,
    })
  await addOpenApi(app, parts.version)
  addRoutes(app, parts)
  return app
}

/**
 * Gives the OpenAPI document of the service, without opening anything.
 *
 * @param version the version of the program
 *
 * @example
 * ```ts
 * import { openApiDocument } from '@guestpass/server'
 *
 * const document = await openApiDocument('1.0.0')
 * console.log(Object.keys(document).includes('paths'))
 * ```
 */
export async function openApiDocument(version: string): Promise<Readonly<Record<string, unknown>>> {
  const app = withSchemas(Fastify())
  await addOpenApi(app, version)
  addRoutes(app, DOCUMENTED)
  await app.ready()
  const document = { ...app.swagger() }
  await app.close()
  return document
}

/** Checks and types requests by the schemas of their routes. */
function withSchemas(server: FastifyInstance): App {
  const app = server.withTypeProvider<ZodTypeProvider>() as unknown as App
  app.setValidatorCompiler(validatorCompiler)
  // Answers are made by functions that the command line uses too. Tests check them against the schemas.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  return app
}

/** What routes need to be described. Nothing of it is called before a request. */
const DOCUMENTED = {} as RouteParts

type RouteParts = Omit<AppParts, 'hostCheck' | 'log' | 'clock' | 'version' | 'corsOrigins'>

function addRoutes(app: App, parts: RouteParts): void {
  addGuestRoutes(app)
  addVerifyRoute(app)
  addPeopleRoutes(app)
  addConnectionRoutes(app, parts.links)
  addSignInRoutes(app, parts)
  addSessionRoutes(app, parts)
  addWebhookRoutes(app)
  addApiKeyRoutes(app, parts.keys)
  addAuditRoutes(app)
  addEventRoutes(app, parts.streams)
  addOperationRoutes(app, { ...parts, isProxied: parts.trustedProxies !== undefined })
  addDocumentRoutes(app)
}

/** Adds what happens to every request before and after its route. */
function addHooks(app: App, parts: AppParts): void {
  const { metrics, readiness, hostCheck, clock } = parts
  const spans = new WeakMap<FastifyRequest, RequestSpan>()
  const codes = new WeakMap<FastifyRequest, string>()
  app.decorateRequest('caller', null)
  app.addHook('onRequest', (request, reply, done) => {
    metrics.began()
    reply.header(REQUEST_ID, request.id)
    const span = beginRequestSpan(request.method, request.headers, request.id)
    spans.set(request, span)
    const elapsed = stopwatch(clock)
    onAnswerEnd(reply.raw, () => finish(parts, request, reply, { elapsed, span, code: codes.get(request) }))
    span.run(done)
  })
  app.addHook('onRequest', async (request, reply) => {
    hostCheck.check(request.headers.host)
    const { roles } = request.routeOptions.config
    if (!roles) return
    const caller = await authenticate(request, roles, parts)
    caller.served.requests.add(reply.raw)
  })
  // Bodies come in events of the socket, which know nothing of the span.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request)
    if (span) span.run(done)
    else done()
  })
  app.addHook('onSend', async (request, reply, payload) => {
    // While the instance drains, clients must not keep their connections.
    if (!readiness.isOpen()) reply.header('connection', 'close')
    if (request.routeOptions.config.roles) reply.header('cache-control', 'no-store')
    reply.header('x-content-type-options', 'nosniff')
    return payload
  })
  app.addHook('onError', (request, _reply, error, done) => {
    codes.set(request, asServiceError(error).code)
    done()
  })
}

/** The status of a request whose client went before an answer began, as nginx names it. */
const CLIENT_GONE = 499

/** Records a request that was answered, or whose client has gone. */
function finish(
  { metrics, log }: Pick<AppParts, 'metrics' | 'log'>,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    elapsed,
    span,
    code,
  }: { readonly elapsed: () => number; readonly span: RequestSpan; readonly code: string | undefined },
): void {
  const { method, caller } = request
  const status = reply.raw.headersSent ? reply.statusCode : CLIENT_GONE
  const route = request.routeOptions.url ?? 'unknown'
  const durationMs = Math.round(elapsed() * 10) / 10
  const isStream = String(reply.getHeader('content-type') ?? '').startsWith('text/event-stream')
  metrics.answered({ method, route, status }, isStream ? undefined : durationMs)
  span.end(route, status)
  const by = caller ? { key: caller.id, connection: caller.served.name } : {}
  log.request({
    requestId: request.id,
    method,
    route,
    status,
    durationMs,
    ...by,
    ...(code === undefined ? {} : { code }),
  })
}
