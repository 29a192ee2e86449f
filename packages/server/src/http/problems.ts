import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type Clock, type Field, GuestpassError } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { explainedError, serviceRemedy, settingName } from '@guestpass/runtime'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { ServiceLog } from './log.ts'

/** Writes errors as problem documents (RFC 9457), by the catalogue of errors. */
export interface Problems {
  /** Answers a request with the problem of an error. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply
}

/** Creates the writer of problem documents of an instance. */
export const createProblems = (clock: Clock, log: ServiceLog): Problems => ({
  answer(thrown, request, reply) {
    const error = explained(asServiceError(thrown), request)
    const problem = error.toProblem()
    const isOurs = error.code === 'internal'
    if (isOurs) log.failed(request.id, thrown)
    const detail = isOurs
      ? `An unexpected error occurred. Report it with the request id ${request.id}.`
      : problem.detail
    const wait = retryAfter(error, clock)
    if (wait !== undefined) reply.header('retry-after', String(wait))
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="guestpass"')
    return reply
      .code(problem.status)
      .type('application/problem+json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ ...problem, detail, requestId: request.id })
  },
})

/** Settings are named as the operator writes them, and the remedy names a route. */
const explained = (error: GuestpassError, { caller }: FastifyRequest): GuestpassError =>
  explainedError(error, (key) => settingName(key, caller?.served.name ?? 'default'), serviceRemedy)

/** Whole seconds until a retry makes sense, at least 1, also if it is not known when. */
function retryAfter({ retryAt, retryable }: GuestpassError, clock: Clock): number | undefined {
  if (retryAt !== undefined) return Math.max(1, Math.ceil((retryAt - clock.wall()) / SECOND))
  return retryable ? 1 : undefined
}

/** Any error of a request as one of the catalogue. */
export function asServiceError(thrown: unknown): GuestpassError {
  if (thrown instanceof GuestpassError) return thrown
  if (hasZodFastifySchemaValidationErrors(thrown)) return inputError(thrown.validation, thrown.validationContext)
  const { code, statusCode = 500 } = (thrown ?? {}) as Partial<FastifyError>
  if (code !== undefined && statusCode < 500) return refusedRequest(code)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new GuestpassError('internal', `Unforeseen: ${message}.`, { cause: thrown })
}

/** Refusals of the HTTP server by its codes. The others are malformed requests. */
const refusals: Readonly<Record<string, () => GuestpassError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new GuestpassError('body_too_large', 'The body of the request is larger than 64 KiB. Nothing was done.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new GuestpassError('media_type_unsupported', 'The body is not of the type application/json. Send JSON.'),
}

const refusedRequest = (code: string): GuestpassError =>
  refusals[code]?.() ?? bodyError('cannot be read as a request', 'Send a request of HTTP with a body in JSON.')

/** The error of a body that is no JSON, or of a malformed request. */
export const bodyError = (message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `The request ${message}.`, { fields: [{ field: 'body', message, remedy }] })

interface ValidationFault {
  readonly instancePath: string
  readonly message?: string
}

function inputError(faults: readonly ValidationFault[], context: string | undefined): GuestpassError {
  const place = context === 'querystring' ? 'query' : (context ?? 'body')
  const fields = faults.map(({ instancePath, message = 'is not valid' }): Field => {
    const path = instancePath.split('/').filter((part) => part !== '')
    const field = path.length === 0 ? place : path.join('.')
    return { field, message: lowered(message), remedy: `See the ${place} of this route in /openapi.json.` }
  })
  const said = fields.map(({ field, message }) => `${field}: ${message}`).join('; ')
  return new GuestpassError('invalid_input', `The request is not valid: ${said}.`, { fields })
}

const lowered = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1)
