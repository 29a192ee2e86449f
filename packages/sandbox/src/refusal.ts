import type { Answer, Dialect } from './endpoint.ts'
import { errorPage } from './oauth/page.ts'

/** One invalid field, in the form of the platform's `details`. */
interface Detail {
  readonly errorCode: string
  readonly fieldName: string
  readonly message: string
}

/** An error with the answer that refuses a call. */
export class Refusal extends Error {
  readonly status: number
  readonly #answer: (correlationId: string) => Answer

  constructor(status: number, message: string, answer: (correlationId: string) => Answer) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.#answer = answer
  }

  answer(correlationId: string): Answer {
    return this.#answer(correlationId)
  }
}

interface ApiRefusal {
  readonly status: number
  /** The platform's code, as `bad.credentials`. */
  readonly code: string
  readonly message: string
  readonly messageParams?: Readonly<Record<string, string>>
  readonly details?: readonly Detail[]
  readonly limit?: { readonly key: string; readonly namespace: string; readonly value: number }
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal with the body `ErrorBody` of the platform API (developer.genesys.cloud). */
export function apiRefusal(refusal: ApiRefusal): Refusal {
  const { status, code, message, messageParams, details = [], limit, headers = {} } = refusal
  return new Refusal(status, message, (contextId) => ({
    status,
    headers,
    json: {
      message,
      code,
      status,
      contextId,
      ...(messageParams && { messageParams }),
      details,
      errors: [],
      ...(limit && { limit }),
    },
  }))
}

/** A refusal with the error body of RFC 6749, section 5.2, and the platform's `description`. */
export function oauthRefusal(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(status, description, () => ({
    status,
    headers: { 'cache-control': 'no-store', ...headers },
    json: { error, description, error_description: description },
  }))
}

const apiCodes: Readonly<Record<number, string>> = {
  400: 'bad.request',
  401: 'bad.credentials',
  403: 'not.authorized',
  404: 'not.found',
  405: 'method.not.allowed',
  408: 'client.timeout',
  409: 'request.conflict',
  413: 'request.entity.too.large',
  415: 'unsupported.media.type',
  422: 'unprocessable.entity',
  429: 'too.many.requests',
  500: 'internal.server.error',
  503: 'service.unavailable',
  504: 'request.timeout',
}

const oauthCodes: Readonly<Record<number, string>> = {
  401: 'invalid_client',
  429: 'temporarily_unavailable',
  503: 'temporarily_unavailable',
}

/** A refusal with the usual error body of a status. */
export function plainRefusal(dialect: Dialect, status: number, message: string): Refusal {
  if (dialect === 'page') return new Refusal(status, message, () => errorPage(status, 'Something went wrong', message))
  if (dialect === 'oauth') {
    return oauthRefusal(status, oauthCodes[status] ?? (status < 500 ? 'invalid_request' : 'server_error'), message)
  }
  return apiRefusal({
    status,
    code: apiCodes[status] ?? (status < 500 ? 'bad.request' : 'internal.server.error'),
    message,
  })
}
