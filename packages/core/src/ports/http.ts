import type { Secret } from '../domain/secret.ts'

/** A request as bytes on the wire: what an upstream folder makes. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The secrets that stand in the request, so that an answer that repeats them is never shown. */
  readonly secrets: readonly Secret[]
  /**
   * Called once, when the connection stands and nothing of the request has been written yet. What it throws keeps the request from
   * being sent, and is what the request rejects with.
   */
  readonly onSend?: () => void
}

/**
 * An answer read to its end. Header names are lower case; a repeated header is joined with `, `. A header `content-encoding` says that
 * the body is still in that coding, because it is not known.
 */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

/**
 * Sends one request and reads one answer, once: no redirects, no repeats. A body over 1 MiB rejects with
 * `HttpFault` of kind `oversized`. Rejects with the signal's reason when it aborts, with `HttpFault` otherwise.
 */
export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>

/** The largest answer that is read, in bytes. */
export const MAX_ANSWER_BYTES = 1_048_576

/**
 * The exchange did not end with an answer. `unsent`: nothing of the request was written (name not found, connection refused, TLS failed,
 * a proxy that opened no tunnel). `lost`: it may have. `oversized`: it answered with more than 1 MiB.
 */
export class HttpFault extends Error {
  override readonly name = 'HttpFault'
  readonly kind: 'unsent' | 'lost' | 'oversized'

  constructor(kind: 'unsent' | 'lost' | 'oversized', message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
