import { HttpFault } from '../ports/http.ts'

/**
 * An `HttpFault` with the message of the innermost cause. The error is not kept as the cause, because the
 * error of a parser contains the text that it could not read.
 */
export function faultOf(thrown: unknown, kind: 'unsent' | 'lost'): HttpFault {
  if (thrown instanceof HttpFault) return thrown
  const error = innermost(thrown)
  const { code = '', library, reason } = (error ?? {}) as { code?: string; library?: string; reason?: string }
  // A message of OpenSSL contains a place in its sources; the reason alone says what happened.
  const message = library && reason ? reason : error instanceof Error ? error.message : String(error)
  return new HttpFault(kind, code === '' || message.includes(code) ? message : `${code}: ${message}`)
}

function innermost(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0])
  return thrown instanceof Error && thrown.cause instanceof Error ? innermost(thrown.cause) : thrown
}
