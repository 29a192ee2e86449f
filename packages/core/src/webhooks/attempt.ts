import type { Event } from '../domain/events/event.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import { type Http, type HttpAnswer, HttpFault } from '../ports/http.ts'
import type { Contract, Endpoint } from './endpoint.ts'
import type { Payload } from './payload.ts'
import { signedHeaders } from './signature.ts'

/** What came of one try. */
export interface WebhookAttempt {
  /** `gone`: the endpoint wants nothing any more (410). */
  readonly result: 'taken' | 'failed' | 'gone'
  /** What the endpoint did, in a few words; nothing of its answer's body. */
  readonly why: string
  readonly latencyMs: Millis
  /** Absent when there was no answer. */
  readonly statusCode?: number
  /** What its Retry-After said. */
  readonly retryAfterMs?: Millis
}

export interface WebhookNetwork {
  readonly clock: Clock
  /** Reaches every address: for endpoints of the configuration. */
  readonly http: Http
  /** Reaches public addresses only: for endpoints that somebody added. */
  readonly guardedHttp: Http
}

/** How long an endpoint may take to answer. */
const ANSWER_TIMEOUT: Readonly<Record<Contract, Millis>> = {
  standard: 15 * SECOND,
  idp: 15 * SECOND,
  idm: 15 * SECOND,
  analytics: 3 * SECOND,
}
/** The longest that any of them may take. */
export const LONGEST_ATTEMPT: Millis = Math.max(...Object.values(ANSWER_TIMEOUT))

/** Sends one message once, signed. Rejects only with the reason of the signal. */
export async function attemptDelivery(
  endpoint: Endpoint,
  { id }: Event,
  { body, token }: Payload,
  { clock, http, guardedHttp }: WebhookNetwork,
  signal: AbortSignal,
): Promise<WebhookAttempt> {
  const text = JSON.stringify(body)
  const elapsed = stopwatch(clock)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'guestpass',
    ...signedHeaders(endpoint.secrets, id, clock.wall(), text),
  }
  const request = { method: 'POST', url: endpoint.url, headers, body: text, secrets: token ? [token] : [] } as const
  const send = endpoint.configured ? http : guardedHttp
  const patience = ANSWER_TIMEOUT[endpoint.contract]
  const overdue = (): HttpFault => new HttpFault('lost', `no answer within ${patience / SECOND} s`)
  try {
    const answer = await withTimeLimit((call) => send(request, call.signal), { signal }, patience, overdue, clock)
    return { ...attemptOf(answer, clock), latencyMs: elapsed() }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    // An answer that is too long was an answer: its status is unknown.
    return { result: 'failed', why: thrown instanceof HttpFault ? thrown.message : UNEXPECTED, latencyMs: elapsed() }
  }
}

const UNEXPECTED = 'the request could not be sent'

function attemptOf({ status, headers }: HttpAnswer, clock: Clock): Omit<WebhookAttempt, 'latencyMs'> {
  const why = `the endpoint answered ${status}`
  if (status >= 200 && status < 300) return { result: 'taken', why, statusCode: status }
  if (status === 410) return { result: 'gone', why, statusCode: status }
  const askedMs = retryAfter(headers['retry-after'], clock.wall(), headers['date'])
  const redirected = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return {
    result: 'failed',
    why: why + redirected,
    statusCode: status,
    ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }),
  }
}
