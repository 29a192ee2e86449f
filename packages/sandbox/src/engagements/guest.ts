import { z } from 'zod'
import type { Access } from '../access.ts'
import { iso } from '../clock.ts'
import type { Call, Endpoint } from '../endpoint.ts'
import { assertSameOrganization } from '../guest-tokens/generate-token.ts'
import { jsonBody } from '../json-body.ts'
import { apiRefusal } from '../refusal.ts'
import { guestAttributes } from './create.ts'
import type { EngagementGuest, Sessions } from './sessions.ts'

const path = '/api/v2/engagements/guests'
const paths = [`${path}/:guestId`]

const changes = z.object({ attributes: guestAttributes }, { error: 'a JSON object' })

/** `PUT /api/v2/engagements/guests/{guestId}`: replaces the attributes of the guest. */
export function updateGuestEndpoint(access: Access, sessions: Sessions): Endpoint {
  return {
    operation: 'update',
    method: 'PUT',
    paths,
    dialect: 'api',
    answer: (call) => {
      const guest = findGuest(call, access, 'guest:write', sessions)
      const { attributes } = jsonBody(call, changes)
      return { status: 200, json: guestBody(sessions.update(guest, attributes)) }
    },
  }
}

/** `GET /api/v2/engagements/guests/{guestId}`: the guest without its tokens. */
export function getGuestEndpoint(access: Access, sessions: Sessions): Endpoint {
  return {
    operation: 'guest',
    method: 'GET',
    paths,
    dialect: 'api',
    answer: (call) => ({ status: 200, json: guestBody(findGuest(call, access, 'guest:read', sessions)) }),
  }
}

function findGuest(call: Call, access: Access, scope: string, sessions: Sessions): EngagementGuest {
  const { organization } = access(call, scope).token.client
  const guest = sessions.find(call.params['guestId'] ?? '')
  if (guest === undefined) throw apiRefusal({ status: 404, code: 'not.found', message: 'No guest has this id.' })
  call.note({ guestId: guest.guestId })
  assertSameOrganization(guest.organization.id, organization.id)
  return guest
}

function guestBody({ guestId, email, name, channelId, attributes = {}, createdAt, updatedAt }: EngagementGuest) {
  return {
    guestId,
    email,
    ...(name !== undefined && { name }),
    consent: true,
    channelId,
    attributes,
    createdDate: iso(createdAt),
    updatedDate: iso(updatedAt),
    selfUri: `${path}/${encodeURIComponent(guestId)}`,
  }
}
