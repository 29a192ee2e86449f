import { z } from 'zod'
import { type Access, scopeMissing } from '../access.ts'
import { iso } from '../clock.ts'
import type { Call, Endpoint } from '../endpoint.ts'
import { jsonBody } from '../json-body.ts'
import type { Organization } from '../oauth/clients.ts'
import { attributesField, emailField, nameField } from '../person-fields.ts'
import { apiRefusal } from '../refusal.ts'
import { noteRequestId } from '../request-id.ts'
import type { ExternalUsers } from './users.ts'

const path = '/api/v2/externalusers/guests'

const textField = z.string({ error: 'a text' })

const body = z.object(
  { name: nameField, email: emailField, customAttributes: attributesField(textField, 'names and texts').optional() },
  { error: 'a JSON object' },
)

/**
 * `POST /api/v2/externalusers/guests`, on behalf of a signed-in user. 401 without the scopes, 403 for client
 * credentials.
 */
export function createExternalUserEndpoint(
  access: Access,
  users: ExternalUsers,
  duplicates: 'refuse' | 'make',
): Endpoint {
  return {
    operation: 'create',
    method: 'POST',
    paths: [path],
    dialect: 'api',
    answer: async (call) => {
      noteRequestId(call)
      const organization = organizationOfUser(call, access)
      const { name, email } = jsonBody(call, body)
      if (duplicates === 'refuse' && users.hasSession(organization, email)) throw sessionExists()
      const { id, token, createdAt, created } = await users.create(organization, email)
      call.note({ guestId: id, created })
      const at = iso(createdAt)
      const selfUri = `${path}/${encodeURIComponent(id)}`
      return { status: 201, json: { id, name, email, token, createdDate: at, updatedDate: at, selfUri } }
    },
  }
}

function organizationOfUser(call: Call, access: Access): Organization {
  const { scopes, family, client } = access(call).token
  const missing = ['webmessaging:guest:create', 'externalusers:write'].find((scope) => !scopes.includes(scope))
  if (missing !== undefined) throw scopeMissing(missing, 401)
  if (family !== undefined) return client.organization
  const message = 'This request needs the token of a signed-in user, and this one is of client credentials.'
  throw apiRefusal({ status: 403, code: 'not.authorized', message })
}

function sessionExists() {
  const message = 'An external user of this email has a session.'
  return apiRefusal({ status: 409, code: 'request.conflict', message })
}
