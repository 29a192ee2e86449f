import * as z from 'zod/mini'
import type { Instant } from '../domain/time.ts'
import type { Secret } from '../domain/secret.ts'
import { type ErrorCode, type UpstreamFacts } from '../errors.ts'
import { type Http, type HttpAnswer, HttpFault, type HttpRequest } from '../ports/http.ts'
import type { Clock } from '../ports/clock.ts'
import { type Call, TryFailure, type TryFacts } from '../policy/pipeline.ts'
import { httpDate } from '../policy/http-date.ts'
import { retryAfter } from '../policy/retry-after.ts'

/** What an answer says besides its body. */
export interface Receipt {
  readonly status: number
  /** Its Date header (RFC 9110, 6.6.1), the moment on the issuer's clock; absent when it cannot be read. */
  readonly issuerNow?: Instant
}

/** What a request needs of the world. */
export interface Network {
  readonly http: Http
  readonly clock: Clock
}

/**
 * Sends one request of a call and reads its answer by a schema: the only place that touches the network on behalf of an
 * upstream folder. Whatever is not a 2xx answer that fits is a `TryFailure`; `explain` may word the refusals that an API is
 * known for.
 */
export async function exchange<S extends z.ZodMiniType>(
  { http, clock }: Network,
  request: HttpRequest,
  schema: S,
  call: Call,
  explain: Explain = () => undefined,
): Promise<{ readonly body: z.output<S>; readonly receipt: Receipt }> {
  const answer = await send(http, request, call)
  const clean = cleaner(request.secrets)
  if (!isSuccess(answer)) throw refusal(answer, call, explain, clean, clock.wall())
  return { body: read(answer, schema, call, clean), receipt: receiptOf(answer, clock.wall()) }
}

/** Sends one request of a call whose answer says nothing but that it was done. Whatever is not a 2xx answer is a `TryFailure`. */
export async function acknowledge(
  { http, clock }: Network,
  request: HttpRequest,
  call: Call,
  explain: Explain = () => undefined,
): Promise<void> {
  const answer = await send(http, request, call)
  if (isSuccess(answer)) return
  throw refusal(answer, call, explain, cleaner(request.secrets), clock.wall())
}

const isSuccess = ({ status }: HttpAnswer): boolean => status >= 200 && status <= 299

/** How a refusal reads for people, which code it has, and whether the same request may be sent again; undefined: as usual for its status. */
export type Explain = (refusal: {
  readonly status: number
  readonly code: string
  readonly message: string
}) => { readonly code: ErrorCode; readonly message: string; readonly again?: boolean } | undefined

function receiptOf({ status, headers }: HttpAnswer, now: Instant): Receipt {
  const issuerNow = httpDate(headers['date'] ?? '', now)
  return issuerNow === undefined ? { status } : { status, issuerNow }
}

async function send(http: Http, request: HttpRequest, call: Call): Promise<HttpAnswer> {
  try {
    const answer = await http({ ...request, onSend: () => sending(request, call) }, call.signal)
    call.notice(answer)
    return answer
  } catch (thrown) {
    throw thrown instanceof HttpFault ? faultOf(thrown, request, call) : thrown
  }
}

function sending(request: HttpRequest, call: Call): void {
  request.onSend?.()
  call.sent()
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

function read<S extends z.ZodMiniType>(answer: HttpAnswer, schema: S, call: Call, clean: Clean): z.output<S> {
  const garbled = (what: string): TryFailure =>
    new TryFailure({
      code: 'upstream_garbled',
      sent: 'answered',
      message: `${call.operation}: ${what}, status ${answer.status}${requestId(answer)}. It began: ${JSON.stringify(clean(text(answer), 120))}`,
      upstream: facts(answer),
    })
  const type = answer.headers['content-type'] ?? ''
  if (answer.bytes.length === 0) throw garbled('the answer is empty')
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type))
    throw garbled(`the answer is ${type === '' ? 'of no type' : clean(type, 60)}, not JSON`)
  const json = parse(answer)
  if (json === undefined) throw garbled('the answer is not readable JSON')
  const checked = schema.safeParse(json)
  if (checked.success) return checked.data
  const fault = checked.error.issues[0]
  throw garbled(
    `the answer lacks what it should have (${fault?.path.join('.') || 'body'}: ${fault?.message ?? 'wrong'})`,
  )
}

const loose = z.catch(z.optional(z.string()), undefined)

/** The two error bodies of Genesys: of OAuth (RFC 6749, 5.2) and of the API. Unreadable members are left out. */
const errorBody = z.catch(
  z.object({ error: loose, error_description: loose, description: loose, code: loose, message: loose }),
  { error: undefined, error_description: undefined, description: undefined, code: undefined, message: undefined },
)

function refusal(answer: HttpAnswer, call: Call, explain: Explain, clean: Clean, now: Instant): TryFailure {
  const { status } = answer
  const wait = retryAfter(answer.headers['retry-after'], now, answer.headers['date'])
  const body = errorBody.parse(parse(answer))
  const code = /^[a-z]{1,30}([._-][a-z]{1,30}){0,7}$/i.exec(body.error ?? body.code ?? '')?.[0] ?? ''
  const message = clean(body.error_description ?? body.message ?? body.description ?? '', 200)
  const explained = explain({ status, code, message })
  const said = [code, message].filter((part) => part !== '').join(': ') || 'no reason given'
  return new TryFailure({
    code: explained?.code ?? codeOf(status),
    sent: 'answered',
    message: `${call.operation}: ${explained ? `${explained.message}.${inWords(answer)}` : `upstream answered ${status} (${said})${requestId(answer)}.`}`,
    upstream: { ...facts(answer), ...(code === '' ? {} : { code }) },
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(explained?.again ? { again: true } : {}),
  })
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'upstream_busy'
  if (status === 401) return 'access_rejected'
  if (status === 403) return 'access_denied'
  if (status === 408 || status >= 500) return 'upstream_unavailable'
  return status >= 400 ? 'upstream_rejected' : 'upstream_garbled'
}

const facts = ({ status, headers }: HttpAnswer): UpstreamFacts => {
  const id = /^[\w-]{1,60}$/.exec(headers['inin-correlation-id'] ?? '')?.[0]
  return { status, ...(id === undefined ? {} : { requestId: id }) }
}

const requestId = (answer: HttpAnswer): string => {
  const id = facts(answer).requestId
  return id === undefined ? '' : `, request ${id}`
}

/** After an explanation, which may be of several sentences. */
const inWords = (answer: HttpAnswer): string => {
  const id = facts(answer).requestId
  return id === undefined ? '' : ` Request ${id}.`
}

function parse(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(text(answer)) as unknown
  } catch {
    return undefined
  }
}

const text = (answer: HttpAnswer): string => new TextDecoder().decode(answer.bytes)

/** Makes somebody else's text fit to show. */
type Clean = (value: string, most: number) => string

/** A secret as it may come back: as it is, in a URL, in a form, in JSON. */
const spellings = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret.toWellFormed()),
  new URLSearchParams({ '': secret }).toString().slice(1),
  JSON.stringify(secret).slice(1, -1),
]

const isUuid = (word: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(word)

/**
 * One line, not longer than `most`, without the secrets of the request, JSON members named like secrets, mail addresses, and
 * long words that could be a secret of somebody else (24 or more characters with a digit or a capital among them; ids of the
 * form of a UUID stay). Each step takes time in proportion to the text, which may be 1 MiB of anything.
 */
function cleaner(secrets: readonly Secret[]): Clean {
  return (value, most) =>
    secrets
      .flatMap((secret) => spellings(secret.reveal()))
      .filter((spelling) => spelling !== '')
      .reduce((left, spelling) => left.replaceAll(spelling, '[removed]'), value)
      .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
      .replaceAll(/("[^"]{0,40}(?:token|secret|password)[^"]{0,40}" ?: ?")[^"]+/gi, '$1[removed]')
      .replaceAll(/[^\s"'<>(),;:=&]+/g, (word) => (/@|%40/.test(word) ? '[removed]' : word))
      .replaceAll(/[\w+/=.~-]{24,}/g, (word) => (/[0-9A-Z]/.test(word) && !isUuid(word) ? '[removed]' : word))
      .slice(0, most)
      .trim()
}
