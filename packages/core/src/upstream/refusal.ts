import type { Instant } from '../domain/time.ts'
import type { ErrorCode, UpstreamFacts } from '../domain/errors.ts'
import type { HttpAnswer } from '../ports/http.ts'
import { type Call, TryFailure } from '../policy/pipeline.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { lenient, object } from './body.ts'
import { type Redact, excerptOf } from './redactor.ts'

/**
 * Gives message and code of a refusal, and whether the request may be sent again. Undefined: as usual for its
 * status.
 */
export type Explain = (refusal: {
  readonly status: number
  readonly code: string
  /** The message of the body, else the beginning of the body. */
  readonly message: string
}) => { readonly code: ErrorCode; readonly message: string; readonly again?: boolean } | undefined

const anyText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * The two error bodies of Genesys: of OAuth (RFC 6749, 5.2) and of the API. Unreadable members are left out.
 */
const errorBody = lenient(
  object({ error: anyText, error_description: anyText, description: anyText, code: anyText, message: anyText }),
)

/** What a refusal is read with. `url`: where the request went. */
interface RefusalParts {
  readonly url: string
  readonly explain: Explain
  readonly clean: Redact
  readonly now: Instant
}

/** A refusal as the failure of a try. */
export function refusal(answer: HttpAnswer, call: Call, { url, explain, clean, now }: RefusalParts): TryFailure {
  const { status } = answer
  const wait = retryAfter(answer.headers['retry-after'], now, answer.headers['date'])
  const { code, message } = words(answer, clean)
  const explained = explain({ status, code, message })
  const said = [code, message].filter((part) => part !== '').join(': ') || 'no reason given'
  return new TryFailure({
    code: explained?.code ?? codeOf(status, code),
    sent: 'answered',
    message: explained
      ? `${call.operation}: ${explained.message}. Upstream answered ${status}${requestId(answer)}.`
      : `${call.operation}: upstream answered ${status} (${said})${redirect(answer, clean)}${requestId(answer)}.${wrongAddress(answer, call, url)}`,
    upstream: { ...upstreamFacts(answer), ...(code === '' ? {} : { code }) },
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(explained?.again ? { isInProgress: true } : {}),
  })
}

/**
 * Where a redirect leads, without what may hold secrets: it comes of a wrong address, or of a portal that
 * wants a login first.
 */
function redirect({ status, headers: { location = '' } }: HttpAnswer, clean: Redact): string {
  if (status < 300 || status > 399 || location === '') return ''
  const to = URL.canParse(location) ? ` to ${clean(new URL(location).origin, 100)}` : ''
  return `, a redirect${to} that is not followed: check the address and the network`
}

/**
 * The address of a request that the API does not know, and its setting. What follows the prefix of all calls is
 * left out, because it may hold ids.
 */
function wrongAddress({ status }: HttpAnswer, { rateLimitKey }: Call, url: string): string {
  const [, base] = /^([^?#]*?\/api\/v2\/)/i.exec(url) ?? []
  if ((status !== 404 && status !== 405) || rateLimitKey !== 'api' || base === undefined) return ''
  return ` The request went to ${base}…: check \`hosts.apiBaseUrl\`.`
}

function words(answer: HttpAnswer, clean: Redact): { readonly code: string; readonly message: string } {
  const coding = answer.headers['content-encoding']
  if (coding !== undefined) return { code: '', message: `in the content coding ${clean(coding, 40)}` }
  const body = errorBody(parseJson(answer))
  const named = /^[a-z]{1,30}([._-][a-z]{1,30}){0,7}$/i.exec(body?.error ?? body?.code ?? '')?.[0] ?? ''
  // Whole words only: a code is never cut off, so that its end is not taken for the beginning of a secret.
  const bounded = `${named})`
  const code = clean(bounded, bounded.length) === bounded ? named : ''
  const message = clean(body?.error_description ?? body?.message ?? body?.description ?? '', 200)
  return { code, message: code === '' && message === '' ? excerptOf(bodyText(answer), clean, 200) : message }
}

/** Errors of OAuth that say of themselves that it is the server that fails (RFC 6749, 4.1.2.1). */
const FAILING: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error'])

function codeOf(status: number, code: string): ErrorCode {
  if (status === 429) return 'upstream_busy'
  if (status === 408 || status >= 500 || FAILING.has(code)) return 'upstream_unavailable'
  if (status === 401) return 'access_rejected'
  if (status === 403) return 'access_denied'
  return status >= 400 || status < 300 ? 'upstream_rejected' : 'upstream_garbled'
}

/** Who wrote the request down, by the names that gateways and servers use. */
const REQUEST_IDS = ['inin-correlation-id', 'x-correlation-id', 'x-request-id']

export const upstreamFacts = ({ status, headers }: HttpAnswer): UpstreamFacts => {
  const id = REQUEST_IDS.map((name) => /^[\w-]{1,60}$/.exec(headers[name] ?? '')?.[0]).find((one) => one !== undefined)
  return { status, ...(id === undefined ? {} : { requestId: id }) }
}

export const requestId = (answer: HttpAnswer): string => {
  const id = upstreamFacts(answer).requestId
  return id === undefined ? '' : `, request ${id}`
}

export function parseJson(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(bodyText(answer)) as unknown
  } catch {
    return undefined
  }
}

export const bodyText = (answer: HttpAnswer): string => new TextDecoder().decode(answer.bytes)
