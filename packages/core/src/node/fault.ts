import { HttpFault } from '../ports/http.ts'

/**
 * The innermost reason, in its own words. The error itself is not kept as a cause, because a parser puts what it could not read
 * into it.
 */
export function faultOf(thrown: unknown, kind: 'unsent' | 'lost'): HttpFault {
  if (thrown instanceof HttpFault) return thrown
  const error = innermost(thrown)
  const { code = '', library, reason } = (error ?? {}) as { code?: string; library?: string; reason?: string }
  // What OpenSSL says holds a place in its sources and the end of a line; its reason alone says what happened.
  const said = library && reason ? reason : error instanceof Error ? error.message : String(error)
  return new HttpFault(kind, code === '' || said.includes(code) ? said : `${code}: ${said}`)
}

function innermost(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0])
  return thrown instanceof Error && thrown.cause instanceof Error ? innermost(thrown.cause) : thrown
}
