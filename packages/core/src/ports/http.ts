import type { Secret } from '../domain/secret.ts'

/** One HTTP request. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The secrets that the request contains, so that they are removed from texts of the answer before these are shown. */
  readonly secrets: readonly Secret[]
  /**
   * Called once, after the connection is made and before a byte of the request is written. If it throws,
   * nothing is sent, and the request rejects with the same error.
   */
  readonly onSend?: () => void
}

/**
 * An answer that was read to its end. Header names are in lower case; a repeated header is joined with `, `.
 * If it has a header `content-encoding`, that coding is unknown and the body is still in it.
 */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body, decoded from its content coding. Empty if there is none. */
  readonly bytes: Uint8Array
}

/**
 * Sends one request and reads one answer, once: no redirects, no repeats. A body over 1 MiB rejects with
 * `HttpFault` of kind `oversized`. Rejects with the signal's reason when it aborts, with `HttpFault`
 * otherwise.
 */
export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>

/** The largest answer that is read, in bytes. */
export const MAX_ANSWER_BYTES = 1_048_576

/**
 * A request without a usable answer. `unsent`: nothing of it was written, as when a name is not found, a
 * connection is refused, TLS fails or a proxy opens no tunnel. `lost`: it may have been written. `oversized`:
 * the answer has more than 1 MiB.
 */
export class HttpFault extends Error {
  override readonly name = 'HttpFault'
  readonly kind: 'unsent' | 'lost' | 'oversized'

  constructor(kind: 'unsent' | 'lost' | 'oversized', message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
