import type { FastifyRequest } from 'fastify'
import { GuestpassError } from '@guestpass/core'
import type { ApiKeyRole } from '@guestpass/runtime'
import { type Caller, hasRole } from './caller.ts'
import type { KeyRing } from './key-ring.ts'
import type { Quotas } from './quotas.ts'
import type { OwnOrigin } from '../session/own-origin.ts'
import { sessionIn } from '../session/session-cookie.ts'
import type { Sessions } from '../session/sessions.ts'
import '../http/types.ts'

/** Keys of other lengths are not looked up. */
const LONGEST_KEY = 1_000

/** The key in the header of a request; undefined if there is none. */
const keyOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined => {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '') ?? []
  return key !== undefined && key.length <= LONGEST_KEY ? key : undefined
}

/** What finds the callers of requests. */
export interface AuthenticationParts {
  readonly keys: KeyRing
  readonly sessions: Sessions
  readonly origin: OwnOrigin
  readonly quotas: Quotas
}

/**
 * Finds the caller of a request to a route with roles, keeps it in the request, and takes the request from its quota.
 * A request without a key may have the session of a browser. Rejects with `api_key_invalid`, `origin_refused`,
 * `role_missing` and `quota_exceeded`.
 */
export async function authenticate(
  request: FastifyRequest,
  roles: readonly ApiKeyRole[],
  parts: AuthenticationParts,
): Promise<Caller> {
  const caller = await callerByKeyOrSession(request, parts)
  // Before what may refuse it, so that the log names the key of a refused request.
  request.caller = caller
  if (!hasRole(caller, roles))
    throw new GuestpassError(
      'role_missing',
      `API key ${caller.id} has the roles ${caller.roles.join(', ')}. This route needs ${roles.join(' or ')}.`,
    )
  await parts.quotas.take(caller)
  return caller
}

async function callerByKeyOrSession(
  request: FastifyRequest,
  { keys, sessions, origin }: AuthenticationParts,
): Promise<Caller> {
  const { authorization, cookie } = request.headers
  const session = authorization === undefined ? sessionIn(cookie, origin.isSecure(request)) : undefined
  if (session) {
    origin.check(request, !SAFE.has(request.method))
    const caller = await sessions.find(session)
    if (caller) return caller
    const message = 'The session has ended, or its API key has. Begin another one with POST /session.'
    throw new GuestpassError('api_key_invalid', message, { reason: 'session_ended' })
  }
  const key = keyOf(request)
  const caller = key === undefined ? undefined : await keys.find(key)
  if (caller) return caller
  throw new GuestpassError(
    'api_key_invalid',
    key === undefined
      ? 'The request has no API key. Send it as `Authorization: Bearer KEY`.'
      : 'The API key is not valid: it is unknown, was revoked, or has expired.',
  )
}

/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** The caller of a request, which the hook of its route has found. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (caller) return caller
  throw new GuestpassError('internal', 'A route without roles asked for its caller.')
}
