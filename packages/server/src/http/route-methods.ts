import type { FastifyInstance } from 'fastify'

/** The methods of the paths of a server. */
export interface RouteMethods {
  /** The methods that the path of a URL has, in the order of the alphabet. Empty: no route has the path. */
  of(url: string): readonly string[]
}

/** Records the methods of routes that are added from now on. */
export function recordRouteMethods(app: FastifyInstance): RouteMethods {
  const byPattern = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = byPattern.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    byPattern.set(url, methods)
  })
  return {
    of(url) {
      const path = (url.split('?')[0] ?? '').split('/')
      const found = [...byPattern].filter(([pattern]) => isOf(path, pattern.split('/')))
      return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort()
    },
  }
}

/** Whether a path is of a pattern: a part that begins with a colon fits any text. */
const isOf = (path: readonly string[], pattern: readonly string[]): boolean =>
  path.length === pattern.length &&
  pattern.every((part, at) => (part.startsWith(':') ? path[at] !== '' : part === path[at]))
