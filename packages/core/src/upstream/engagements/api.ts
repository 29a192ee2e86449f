import { attributes, channelId, consent, email, name, optional } from '../applicant-fields.ts'
import { authenticating } from '../authenticating.ts'
import { engagementCalls } from './provider.ts'
import { READ_SCOPE, WRITE_SCOPE } from './scopes.ts'

/**
 * The API of engagement guests: one for each address and channel, renewed by a refresh token, given
 * attributes.
 */
export const engagements = authenticating(
  {
    name: 'engagements',
    singular: 'engagement',
    summary: 'a guest of a channel, who agreed to be processed',
    scopes: [WRITE_SCOPE, READ_SCOPE],
    tokenFormat: 'jwt',
    channel: true,
    refusesSecondGuest: true,
    renewal: 'rotating',
    enriched: true,
    onBehalfOf: 'service',
  },
  {
    fields: { email, consent, channelId, name: optional(name), attributes: optional(attributes) },
    calls: engagementCalls,
  },
)
