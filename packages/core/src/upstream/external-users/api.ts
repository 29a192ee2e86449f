import { email, name, optional, textAttributes } from '../applicant-fields.ts'
import { authenticating } from '../authenticating.ts'
import { externalUserCalls } from './provider.ts'
import { CREATE_SCOPES } from './scopes.ts'

/**
 * The API of external users: made on behalf of a signed-in user, who makes another one when the token has
 * ended.
 */
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
