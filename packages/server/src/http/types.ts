import type { ApiKeyRole } from '@guestpass/runtime'
import type { Caller } from '../auth/caller.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller of a route with roles; null until it is known, and for open routes. */
    caller: Caller | null
  }
  interface FastifyContextConfig {
    /** The roles that may call the route. Absent: everybody may. */
    readonly roles?: readonly ApiKeyRole[]
  }
}
