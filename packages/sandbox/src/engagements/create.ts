import { z } from 'zod'
import type { Access } from '../access.ts'
import { channelRefusal } from '../channels/channel.ts'
import type { Channels } from '../channels/channels.ts'
import { iso } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { jsonBody, required } from '../json-body.ts'
import { attributesField, emailField, nameField } from '../person-fields.ts'
import { apiRefusal } from '../refusal.ts'
import { noteRequestId } from '../request-id.ts'
import type { Sessions } from './sessions.ts'

export const guestAttributes = attributesField(z.unknown(), 'names and values')

const channelIdError = required("the channel's id")

const body = z.object(
  {
    email: emailField,
    consent: z.literal(true, { error: required('exactly true') }),
    channelId: z.string({ error: channelIdError }).min(1, { error: channelIdError }),
    name: nameField.optional(),
    attributes: guestAttributes.optional(),
  },
  { error: 'a JSON object' },
)

interface CreateGuestParts {
  readonly access: Access
  readonly sessions: Sessions
  readonly channels: Channels
}

/**
 * `POST /api/v2/engagements/guests`: each call with answer 201 has made a guest, also with a repeated
 * X-Genesys-Request-Id.
 */
export function createGuestEndpoint({ access, sessions, channels }: CreateGuestParts): Endpoint {
  return {
    operation: 'create',
    method: 'POST',
    paths: ['/api/v2/engagements/guests'],
    dialect: 'api',
    answer: async (call) => {
      noteRequestId(call)
      const { organization } = access(call, 'guest:write').token.client
      const { consent, ...person } = jsonBody(call, body)
      const status = channels.status(person.channelId, organization)
      if (status !== 'usable') throw channelRefusal(status, person.channelId)
      if (sessions.hasSession(organization, person)) throw sessionExists()
      const { guest, token, refreshToken, created } = await sessions.create(organization, person)
      const { guestId, email, channelId, createdAt } = guest
      call.note({ guestId, created, refreshes: guest.refreshes })
      const createdDate = iso(createdAt)
      const expiresIn = sessions.tokenSeconds
      return { status: 201, json: { guestId, token, expiresIn, refreshToken, email, consent, channelId, createdDate } }
    },
  }
}

function sessionExists() {
  const message = 'An active session for this email and channel exists.'
  return apiRefusal({ status: 409, code: 'request.conflict', message })
}
