import type { FastifyRequest } from 'fastify'
import { GuestpassError } from '@guestpass/core'
import type { ApiKeyRole } from '@guestpass/runtime'
import { type Caller, hasRole } from './caller.ts'
import type { KeyRing } from './key-ring.ts'
import type { Quotas } from './quotas.ts'
import '../http/types.ts'

/** Keys of other lengths are not looked up. */
const LONGEST_KEY = 1_000

/** The key in the header of a request; undefined if there is none. */
const keyOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined => {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '') ?? []
  return key !== undefined && key.length <= LONGEST_KEY ? key : undefined
}

/**
 * Finds the caller of a request to a route with roles, and takes the request from its quota. Rejects with
 * `api_key_invalid`, `role_missing` and `quota_exceeded`.
 */
export async function authenticate(
  request: FastifyRequest,
  roles: readonly ApiKeyRole[],
  { keys, quotas }: { readonly keys: KeyRing; readonly quotas: Quotas },
): Promise<Caller> {
  const key = keyOf(request)
  const caller = key === undefined ? undefined : await keys.find(key)
  if (!caller)
    throw new GuestpassError(
      'api_key_invalid',
      key === undefined
        ? 'The request has no API key. Send it as `Authorization: Bearer KEY`.'
        : 'The API key is not valid: it is unknown, was revoked, or has expired.',
    )
  if (!hasRole(caller, roles))
    throw new GuestpassError(
      'role_missing',
      `API key ${caller.id} has the roles ${caller.roles.join(', ')}. This route needs ${roles.join(' or ')}.`,
    )
  quotas.take(caller)
  return caller
}

/** The caller of a request, which the hook of its route has found. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (caller) return caller
  throw new GuestpassError('internal', 'A route without roles asked for its caller.')
}
