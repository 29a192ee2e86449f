import type { Event } from '../domain/events/event.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import { type Http, type HttpAnswer, HttpFault } from '../ports/http.ts'
import { CHECKPOINT_HEADER } from './checkpoint-header.ts'
import type { WebhookContract, WebhookEndpoint } from './endpoint.ts'
import type { Payload } from './payload.ts'
import { signedHeaders } from './signature.ts'

/** The outcome of one attempt to deliver a message. */
export interface WebhookAttempt {
  /**
   * `taken`: the endpoint answered 2xx. `gone`: it answered 410 and takes nothing more. `failed`: anything
   * else.
   */
  readonly result: 'taken' | 'failed' | 'gone'
  /** What the endpoint did, as a clause. It contains nothing of the body of the answer. */
  readonly why: string
  /** From the request to the end of the answer, in milliseconds. */
  readonly latencyMs: Millis
  /** The HTTP status; absent where there was no answer. */
  readonly statusCode?: number
  /** The wait that `Retry-After` asks for, in milliseconds (RFC 9110, section 10.2.3). */
  readonly retryAfterMs?: Millis
}

/** What sends webhooks: a clock and HTTP. */
export interface WebhookNetwork {
  readonly clock: Clock
  /** HTTP to every address, for endpoints of the configuration. */
  readonly http: Http
  /** HTTP to public addresses only, for endpoints that were added by API or command. */
  readonly guardedHttp: Http
}

/** How long an endpoint may take to answer, by its contract. */
const ANSWER_TIMEOUT: Readonly<Record<WebhookContract, Millis>> = {
  standard: 15 * SECOND,
  idp: 15 * SECOND,
  idm: 15 * SECOND,
  analytics: 3 * SECOND,
}
/** The longest time that an attempt takes. */
export const LONGEST_ATTEMPT: Millis = Math.max(...Object.values(ANSWER_TIMEOUT))

/**
 * Sends one signed message once. Rejects only with the reason of the signal. `checkpoint`: the value of the header
 * `guestpass-checkpoint`.
 */
export async function attemptDelivery(
  endpoint: WebhookEndpoint,
  { id }: Event,
  { body, token, checkpoint }: Payload & { readonly checkpoint?: string | undefined },
  { clock, http, guardedHttp }: WebhookNetwork,
  signal: AbortSignal,
): Promise<WebhookAttempt> {
  const text = JSON.stringify(body)
  const elapsed = stopwatch(clock)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'guestpass',
    ...signedHeaders(endpoint.secrets, id, clock.wall(), text),
    ...(checkpoint === undefined ? {} : { [CHECKPOINT_HEADER]: checkpoint }),
  }
  const request = { method: 'POST', url: endpoint.url, headers, body: text, secrets: token ? [token] : [] } as const
  const send = endpoint.configured ? http : guardedHttp
  const timeoutMs = ANSWER_TIMEOUT[endpoint.contract]
  const overdue = (): HttpFault => new HttpFault('lost', `no answer within ${timeoutMs / SECOND} s`)
  try {
    const answer = await withTimeLimit((call) => send(request, call.signal), { signal }, timeoutMs, overdue, clock)
    return { ...attemptOf(answer, clock), latencyMs: elapsed() }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    // An answer over 1 MiB rejects too; its status is then unknown.
    return { result: 'failed', why: thrown instanceof HttpFault ? thrown.message : UNEXPECTED, latencyMs: elapsed() }
  }
}

const UNEXPECTED = 'the request could not be sent'

function attemptOf({ status, headers }: HttpAnswer, clock: Clock): Omit<WebhookAttempt, 'latencyMs'> {
  const why = `the endpoint answered ${status}`
  if (status >= 200 && status < 300) return { result: 'taken', why, statusCode: status }
  if (status === 410) return { result: 'gone', why, statusCode: status }
  const retryAfterMs = retryAfter(headers['retry-after'], clock.wall(), headers['date'])
  const redirected = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return {
    result: 'failed',
    why: why + redirected,
    statusCode: status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}
