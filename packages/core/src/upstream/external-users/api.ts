import { email, name, optional, textAttributes } from '../applicant-fields.ts'
import { authenticating, type RequestOf } from '../authenticating.ts'
import { externalUserCalls } from './provider.ts'
import { CREATE_SCOPES } from './scopes.ts'

/** The API of external users: made on behalf of a signed-in user, who makes another one when the token has ended. */
export const externalUsers = authenticating(
  {
    name: 'external-users',
    singular: 'external-user',
    summary: 'a guest for whom a signed-in user vouches',
    scopes: CREATE_SCOPES,
    tokenFormat: 'jwt',
    channel: false,
    refusesSecondGuest: false,
    renewal: 'none',
    enriched: false,
    onBehalfOf: 'user',
  },
  { fields: { email, name, attributes: optional(textAttributes) }, calls: externalUserCalls },
)

/**
 * A request for an external user, made on behalf of the signed-in user. `email`: the address, which is never shown in errors, events or
 * logs. `name`: 1 to 100 characters. `attributes`: texts, at most 2048 bytes as JSON. `assurance`, `onDuplicate` and `onDoubt`: see the
 * types of these names.
 */
export type ExternalUserRequest = RequestOf<typeof externalUsers>
