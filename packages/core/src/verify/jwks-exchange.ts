import type { Millis } from '../domain/time.ts'
import type { UpstreamFacts } from '../errors.ts'
import { openCall } from '../policy/pipeline.ts'
import { retryAfter } from '../policy/retry-after.ts'
import { timeBox } from '../policy/time-box.ts'
import type { Clock } from '../ports/clock.ts'
import { type Http, type HttpAnswer, HttpFault } from '../ports/http.ts'
import { freshFor, keysInAnswer } from './jwks-answer.ts'
import type { Jwk } from './keys.ts'

/** What was learned by asking for a key-set once. */
export interface Answered {
  /** Absent when the keys are still those of the ETag that was sent. */
  readonly jwks?: readonly Jwk[]
  readonly etag?: string | undefined
  /** How long the answer may be kept, if it says so. */
  readonly freshMs?: Millis | undefined
}

/** A key-set could not be had this time. The message is a clause: why. */
export class JwksFault extends Error {
  readonly upstream?: UpstreamFacts
  /** How long the server told us to wait. */
  readonly toldMs?: Millis | undefined

  constructor(why: string, facts: { upstream?: UpstreamFacts; toldMs?: Millis | undefined; cause?: unknown } = {}) {
    super(why, { cause: facts.cause })
    if (facts.upstream) this.upstream = facts.upstream
    this.toldMs = facts.toldMs
  }
}

function statusFault({ status, headers }: HttpAnswer, clock: Clock): JwksFault {
  const moved = status >= 300 && status < 400 && headers['location'] !== undefined
  const why = moved ? `it answered ${status}, a redirect, which is not followed` : `it answered ${status}`
  const toldMs = retryAfter(headers['retry-after'], clock.wall(), headers['date'])
  return new JwksFault(why, { upstream: { status }, toldMs })
}

function read(answer: HttpAnswer, asked: string | undefined, clock: Clock): Answered {
  const { status, headers } = answer
  const said = { etag: headers['etag'], freshMs: freshFor(headers) }
  if (status === 304 && asked !== undefined) return { ...said, etag: said.etag ?? asked }
  if (status !== 200) throw statusFault(answer, clock)
  const jwks = keysInAnswer(answer)
  if (typeof jwks === 'string') throw new JwksFault(jwks, { upstream: { status } })
  return { ...said, jwks }
}

const explained = (error: unknown): JwksFault => {
  if (error instanceof JwksFault) return error
  const why = error instanceof HttpFault ? error.message : 'the exchange was broken off'
  return new JwksFault(why, { cause: error })
}

/**
 * Asks for a key-set once, for at most `timeoutMs`; `etag` is that of the keys at hand. Rejects with `JwksFault` for anything
 * but a list of keys, or word that they are unchanged.
 */
export async function askForKeys(
  request: { readonly url: string; readonly etag?: string | undefined; readonly timeoutMs: Millis },
  ports: { readonly http: Http; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<Answered> {
  const { url, etag, timeoutMs } = request
  const headers = {
    accept: 'application/jwk-set+json, application/json',
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
  }
  const call = openCall({ connection: '', operation: 'key-set', lane: 'keys', repeatable: true, signal })
  const overdue = (): JwksFault => new JwksFault(`it did not answer within ${timeoutMs} ms`)
  const ask = (): Promise<HttpAnswer> =>
    timeBox(
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
