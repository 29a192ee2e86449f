import { HttpFault } from '../ports/http.ts'

/**
 * The innermost reason, in its own words. The error itself is not kept as a cause, because a parser puts what it could not read
 * into it.
 */
export function faultOf(thrown: unknown, kind: 'unsent' | 'lost'): HttpFault {
  if (thrown instanceof HttpFault) return thrown
  const error = innermost(thrown)
  const code = (error as { code?: string } | undefined)?.code ?? ''
  const said = error instanceof Error ? error.message : String(error)
  return new HttpFault(kind, code === '' || said.includes(code) ? said : `${code}: ${said}`)
}

function innermost(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return innermost(thrown.errors[0])
  return thrown instanceof Error && thrown.cause instanceof Error ? innermost(thrown.cause) : thrown
}
