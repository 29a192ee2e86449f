import { type Millis, SECOND } from '../domain/time.ts'
import { openCall } from '../policy/pipeline.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import type { Clock } from '../ports/clock.ts'
import { type Http, type HttpAnswer, HttpFault } from '../ports/http.ts'
import { DocumentFault } from './fault.ts'

/** What one request for a document learned. */
export interface Answered {
  /** The JSON text as it came, without a byte order mark. Absent when the document is still that of the ETag that was sent. */
  readonly bytes?: Uint8Array
  readonly etag?: string | undefined
  /** How long the answer may be kept, if it says so. */
  readonly freshMs?: Millis | undefined
}

/** Types that JSON is served with; plain files often have no better one. */
const PLAUSIBLE_TYPE = /json|^text\/plain|^application\/octet-stream|^$/

function bodyOf({ status, headers, bytes }: HttpAnswer): Uint8Array {
  const type = (headers['content-type'] ?? '').trim().toLowerCase()
  const facts = { upstream: { status } }
  if (!PLAUSIBLE_TYPE.test(type))
    throw new DocumentFault(`it answered with ${type.split(';', 1)[0]} instead of JSON`, facts)
  if (bytes.length === 0) throw new DocumentFault('it answered with nothing', facts)
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return isMarked ? bytes.subarray(3) : bytes
}

/** How long the answer may be kept by its own word (RFC 9111, 4.2), in milliseconds; undefined when it does not say, or 0. */
function freshFor(headers: HttpAnswer['headers']): Millis | undefined {
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(headers['cache-control'] ?? '')?.[1]
  const left = Number(maxAge) - (Number(headers['age']) || 0)
  return left > 0 ? left * SECOND : undefined
}

function statusFault({ status, headers }: HttpAnswer, clock: Clock): DocumentFault {
  const moved = status >= 300 && status < 400 && headers['location'] !== undefined
  const why = moved ? `it answered ${status}, a redirect, which is not followed` : `it answered ${status}`
  const toldMs = retryAfter(headers['retry-after'], clock.wall(), headers['date'])
  return new DocumentFault(why, { upstream: { status }, toldMs })
}

function read(answer: HttpAnswer, asked: string | undefined, clock: Clock): Answered {
  const { status, headers } = answer
  const said = { etag: headers['etag'], freshMs: freshFor(headers) }
  if (status === 304 && asked !== undefined) return { ...said, etag: said.etag ?? asked }
  if (status !== 200) throw statusFault(answer, clock)
  return { ...said, bytes: bodyOf(answer) }
}

const explained = (error: unknown): DocumentFault => {
  if (error instanceof DocumentFault) return error
  const why = error instanceof HttpFault ? error.message : 'the exchange was broken off'
  return new DocumentFault(why, { cause: error })
}

/**
 * Asks for a JSON document once, for at most `timeoutMs`; `etag` is that of the document at hand. Rejects with `DocumentFault`
 * for anything but a document, or word that it is unchanged.
 */
export async function askFor(
  request: {
    readonly url: string
    readonly accept: string
    readonly operation: string
    readonly etag?: string | undefined
    readonly timeoutMs: Millis
  },
  ports: { readonly http: Http; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<Answered> {
  const { url, accept, operation, etag, timeoutMs } = request
  const headers = { accept, ...(etag === undefined ? {} : { 'if-none-match': etag }) }
  const call = openCall({ connection: '', operation, rateLimitKey: 'keys', repeatable: true, signal })
  const overdue = (): DocumentFault => new DocumentFault(`it did not answer within ${timeoutMs} ms`)
  const ask = (): Promise<HttpAnswer> =>
    withTimeLimit(
      (boxed) => ports.http({ method: 'GET', url, headers, secrets: [] }, boxed.signal),
      call,
      timeoutMs,
      overdue,
      ports.clock,
    )
  try {
    return read(await ask(), etag, ports.clock)
  } catch (error) {
    throw explained(error)
  }
}
