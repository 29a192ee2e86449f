import type { Instant } from '../domain/time.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { type Http, type HttpAnswer, HttpFault, type HttpRequest } from '../ports/http.ts'
import type { Clock } from '../ports/clock.ts'
import { type Call, TryFailure, type TryFacts } from '../policy/pipeline.ts'
import { httpDate } from '../policy/http-date.ts'
import { BodyFault, type Reader } from './body.ts'
import { type Redact, createRedactor } from './redactor.ts'
import { type Explain, upstreamFacts, parseJson, refusal, requestId, bodyText } from './refusal.ts'

export type { Explain } from './refusal.ts'

/** The status of an answer, and the issuer's time in it. */
export interface AnswerFacts {
  readonly status: number
  /** The issuer's time, from the Date header (RFC 9110, 6.6.1). Absent if that cannot be read. */
  readonly issuerNow?: Instant
}

/** HTTP, and the clock for times in answers. */
export interface Network {
  readonly http: Http
  readonly clock: Clock
}

/** How an answer is read, if it differs from the usual. */
export interface ReadOptions {
  /** Gives code and message of refusals that this API is known for. */
  readonly explain?: Explain
  /** Reads JSON of any content type, because the tokens in it cannot be requested again. */
  readonly anyType?: true
  /**
   * An object with a text `error` and without this member is an error of OAuth (RFC 6749, 5.2) whatever the
   * status: some servers answer so with status 200.
   */
  readonly errorUnless?: string
}

/**
 * Sends one request of a call and reads its answer. It is the only place where a folder of an upstream API
 * uses the network. If the answer is not 2xx, or does not fit the reader, it rejects with a `TryFailure`.
 */
export async function sendAndRead<T>(
  network: Network,
  request: HttpRequest,
  reader: Reader<T>,
  call: Call,
  reading: ReadOptions = {},
): Promise<{ readonly body: T; readonly receipt: AnswerFacts }> {
  const { answer, clean } = await accepted(network, request, call, reading)
  return { body: read(answer, reader, call, clean, reading), receipt: receiptOf(answer, network.clock.wall()) }
}

/**
 * Sends one request of a call whose answer has no content. If the answer is not 2xx, it rejects with a
 * `TryFailure`.
 */
export async function sendOnly(
  network: Network,
  request: HttpRequest,
  call: Call,
  reading: ReadOptions = {},
): Promise<void> {
  await accepted(network, request, call, reading)
}

async function accepted(
  { http, clock }: Network,
  request: HttpRequest,
  call: Call,
  { explain = () => undefined, errorUnless }: ReadOptions,
): Promise<{ readonly answer: HttpAnswer; readonly clean: Redact }> {
  const answer = await send(http, request, call)
  const clean = createRedactor(request.secrets)
  const isSuccess = answer.status >= 200 && answer.status <= 299
  if (isSuccess && !(errorUnless !== undefined && isError(parseJson(answer), errorUnless))) return { answer, clean }
  throw refusal(answer, call, { url: request.url, explain, clean, now: clock.wall() })
}

function isError(json: unknown, unless: string): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { error, [unless]: wanted } = json as Readonly<Record<string, unknown>>
  return typeof error === 'string' && error !== '' && (wanted === undefined || wanted === null || wanted === '')
}

function receiptOf({ status, headers }: HttpAnswer, now: Instant): AnswerFacts {
  const issuerNow = httpDate(headers['date'] ?? '', now)
  return issuerNow === undefined ? { status } : { status, issuerNow }
}

async function send(http: Http, request: HttpRequest, call: Call): Promise<HttpAnswer> {
  try {
    const answer = await http({ ...request, onSend: () => sending(request, call) }, call.signal)
    call.onAnswer(answer)
    return answer
  } catch (thrown) {
    throw thrown instanceof HttpFault ? faultOf(thrown, request, call) : thrown
  }
}

function sending(request: HttpRequest, call: Call): void {
  request.onSend?.()
  call.onSend()
}

function faultOf(fault: HttpFault, request: HttpRequest, call: Call): TryFailure {
  const { host } = new URL(request.url)
  const failure = (code: ErrorCode, sent: TryFacts['sent'], said: string): TryFailure =>
    new TryFailure({ code, sent, message: `${call.operation}: ${said}.`, cause: fault })
  if (fault.kind === 'oversized')
    return failure('upstream_garbled', 'answered', `${host} answered with more than 1 MiB`)
  return fault.kind === 'unsent'
    ? failure(
        'upstream_unavailable',
        'no',
        `cannot reach ${host} (${fault.message}); check the address and the network`,
      )
    : failure('upstream_unavailable', 'unknown', `the answer of ${host} was lost (${fault.message})`)
}

function read<T>(answer: HttpAnswer, reader: Reader<T>, call: Call, clean: Redact, { anyType }: ReadOptions): T {
  const garbled = (what: string, began = `. It began: ${JSON.stringify(clean(bodyText(answer), 120))}`): TryFailure =>
    new TryFailure({
      code: 'upstream_garbled',
      sent: 'answered',
      message: `${call.operation}: ${what}, status ${answer.status}${requestId(answer)}${began}`,
      upstream: upstreamFacts(answer),
    })
  const { 'content-type': type = '', 'content-encoding': coding } = answer.headers
  if (answer.bytes.length === 0) throw garbled('the answer is empty')
  if (coding !== undefined)
    throw garbled(`the answer is in the content coding ${clean(coding, 40)}, which is not known`, '.')
  if (!anyType && !/^application\/([\w.-]+\+)?json\b/i.test(type))
    throw garbled(`the answer is ${type === '' ? 'of no type' : clean(type, 60)}, not JSON`)
  const json = parseJson(answer)
  if (json === undefined) throw garbled('the answer is not readable JSON')
  try {
    return reader(json)
  } catch (thrown) {
    if (!(thrown instanceof BodyFault)) throw thrown
    throw garbled(`the answer lacks what it should have (${thrown.path.join('.') || 'body'}: ${thrown.message})`)
  }
}
