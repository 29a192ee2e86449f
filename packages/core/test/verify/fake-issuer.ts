import type { Clock } from '../../src/ports/clock.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import type { Jwk } from '../../src/verify/keys.ts'

/** What the issuer does next instead of answering with its keys. */
export type Trouble =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'refused'
  | 'silent'
  | 'rude'

/** An issuer on the other side of the HTTP port. */
export interface FakeIssuer {
  keys: readonly Jwk[]
  headers: Readonly<Record<string, string>>
  /** Sends an ETag and honours If-None-Match. */
  tags: boolean
  /** Milliseconds before each answer. */
  delayMs: number
  trouble: Trouble | undefined
  readonly requests: HttpRequest[]
  /** When each came, on the fake wall clock. */
  readonly times: number[]
  /** Requests that were answered with 304. */
  unchanged: number
  readonly http: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>
}

const never = new Promise<never>(() => {})

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })

const answer = (status: number, headers: Readonly<Record<string, string>>, body: string): HttpAnswer => ({
  status,
  headers,
  bytes: new TextEncoder().encode(body),
})

async function troubled(trouble: Trouble, signal: AbortSignal): Promise<HttpAnswer> {
  if (trouble === 'refused') throw new HttpFault('unsent', 'connection refused')
  if (trouble === 'silent') return aborted(signal)
  if (trouble === 'rude') return never
  return answer(trouble.status, { 'content-type': 'application/json', ...trouble.headers }, trouble.body ?? '')
}

export function fakeIssuer(clock: Clock, keys: readonly Jwk[]): FakeIssuer {
  const issuer: FakeIssuer = {
    keys,
    headers: {},
    tags: false,
    delayMs: 0,
    trouble: undefined,
    requests: [],
    times: [],
    unchanged: 0,
    async http(request, signal) {
      issuer.requests.push(request)
      issuer.times.push(clock.wall())
      if (issuer.delayMs > 0) await clock.sleep(issuer.delayMs, signal)
      if (issuer.trouble) return troubled(issuer.trouble, signal)
      const body = JSON.stringify({ keys: issuer.keys })
      const etag = `"${body.length}-${issuer.keys.map(({ kid }) => kid).join()}"`
      const headers = { 'content-type': 'application/json', ...issuer.headers, ...(issuer.tags ? { etag } : {}) }
      if (!issuer.tags || request.headers['if-none-match'] !== etag) return answer(200, headers, body)
      issuer.unchanged += 1
      return answer(304, headers, '')
    },
  }
  return issuer
}
