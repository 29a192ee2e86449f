/** What a server serves: a path with parameters, as `/webhooks/:name`, and a method. */
interface ServedRoute {
  readonly method: string
  readonly paths: readonly string[]
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Whether a path of a request, without its query, is one of a route. */
function matches(pattern: string, path: string): boolean {
  const [parts, given] = [pattern.split('/'), path.split('/')]
  return (
    parts.length === given.length && parts.every((part, at) => (part.startsWith(':') ? given[at] : part === given[at]))
  )
}

/** The routes that have the path of a request, with any method. */
export const routesAt = <R extends ServedRoute>(routes: readonly R[], url: string): readonly R[] => {
  const path = url.split('?')[0] ?? ''
  return routes.filter(({ paths }) => paths.some((pattern) => matches(pattern, path)))
}

/** The header Allow of a 405 (RFC 9110, section 15.5.6). HEAD comes with GET. */
export function allowHeader(routes: readonly ServedRoute[]): string {
  const served = routes.map(({ method }) => method)
  return METHODS.filter((method) => served.includes(method === 'HEAD' ? 'GET' : method)).join(', ')
}
