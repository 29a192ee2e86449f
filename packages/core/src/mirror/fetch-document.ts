import { type Millis, SECOND } from '../domain/time.ts'
import { openCall } from '../policy/pipeline.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { withTimeLimit } from '../policy/time-limit.ts'
import type { Clock } from '../ports/clock.ts'
import { type Http, type HttpAnswer, HttpFault } from '../ports/http.ts'
import { DocumentFault } from './document-fault.ts'

/** The answer to one request for a document. */
export interface FetchedDocument {
  /**
   * The JSON text, without a byte order mark. Absent if the document is still that of the ETag that was sent.
   */
  readonly bytes?: Uint8Array
  readonly etag?: string | undefined
  /** How long the answer may be kept, in milliseconds, if it says so. */
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

/**
 * How long an answer may be kept, in milliseconds (RFC 9111, 4.2). Undefined if it does not say, or says 0.
 */
function freshMsOf(headers: HttpAnswer['headers']): Millis | undefined {
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(headers['cache-control'] ?? '')?.[1]
  const left = Number(maxAge) - (Number(headers['age']) || 0)
  return left > 0 ? left * SECOND : undefined
}

function statusFault({ status, headers }: HttpAnswer, clock: Clock): DocumentFault {
  const moved = status >= 300 && status < 400 && headers['location'] !== undefined
  const why = moved ? `it answered ${status}, a redirect, which is not followed` : `it answered ${status}`
  const retryAfterMs = retryAfter(headers['retry-after'], clock.wall(), headers['date'])
  return new DocumentFault(why, { upstream: { status }, retryAfterMs })
}

function read(answer: HttpAnswer, sentEtag: string | undefined, clock: Clock): FetchedDocument {
  const { status, headers } = answer
  const freshness = { etag: headers['etag'], freshMs: freshMsOf(headers) }
  if (status === 304 && sentEtag !== undefined) return { ...freshness, etag: freshness.etag ?? sentEtag }
  if (status !== 200) throw statusFault(answer, clock)
  return { ...freshness, bytes: bodyOf(answer) }
}

const documentFaultOf = (error: unknown): DocumentFault => {
  if (error instanceof DocumentFault) return error
  const why = error instanceof HttpFault ? error.message : 'the exchange was broken off'
  return new DocumentFault(why, { cause: error })
}

/**
 * Fetches a JSON document, with one request of at most `timeoutMs` milliseconds.
 *
 * @param request `etag`: of the document that is known
 * @returns the document, or nothing but its ETag if it is unchanged (304)
 * @throws `DocumentFault` for every other answer
 */
export async function fetchDocument(
  request: {
    readonly url: string
    readonly accept: string
    readonly operation: string
    readonly etag?: string | undefined
    readonly timeoutMs: Millis
  },
  ports: { readonly http: Http; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<FetchedDocument> {
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
    throw documentFaultOf(error)
  }
}
