import { z } from 'zod'
import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { jsonBody, required } from '../json-body.ts'
import { apiRefusal } from '../refusal.ts'
import type { Guests } from './guests.ts'

export const guestScopes: readonly string[] = [
  'webmessaging:guest:send',
  'webmessaging:guest:receive',
  'webmessaging:guest:read',
  'webmessaging:guest:update',
]

/** A UUID of any version and variant (RFC 9562). */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const MAX_DURATION = 86_400

const durationError = required(`a whole number of seconds from 1 to ${MAX_DURATION}`)
const scopesError = required(`a list of at least one of ${guestScopes.join(', ')}`)

const body = z.object(
  {
    guestId: z.string({ error: required('a UUID') }).regex(uuid, { error: 'a UUID' }),
    expirationDurationSeconds: z
      .number({ error: durationError })
      .int({ error: durationError })
      .min(1, { error: durationError })
      .max(MAX_DURATION, { error: durationError }),
    scopes: z
      .array(
        z.string({ error: scopesError }).refine((scope) => guestScopes.includes(scope), { error: scopesError }),
        { error: scopesError },
      )
      .min(1, { error: scopesError }),
  },
  { error: 'a JSON object' },
)

/** `POST /api/v2/webmessaging/guests/generate-token`: a token for a guest id that the caller chooses. */
export function generateTokenEndpoint(access: Access, guests: Guests): Endpoint {
  return {
    operation: 'mint',
    method: 'POST',
    paths: ['/api/v2/webmessaging/guests/generate-token'],
    dialect: 'api',
    answer: async (call) => {
      const { organization } = access(call, 'webmessaging:guest:create').token.client
      const { guestId, expirationDurationSeconds: durationSeconds, scopes } = jsonBody(call, body)
      call.note({ guestId })
      assertSameOrganization(guests.find(guestId)?.organization.id, organization.id)
      const token = await guests.mint(organization, { guestId, durationSeconds, scopes: [...new Set(scopes)] })
      return { status: 200, json: { token } }
    },
  }
}

/** Refuses with 403 if a guest belongs to another organization. A guest belongs to the one that made it. */
export function assertSameOrganization(owner: string | undefined, caller: string): void {
  if (owner === undefined || owner === caller) return
  throw apiRefusal({ status: 403, code: 'not.authorized', message: 'The guest belongs to another organization.' })
}
