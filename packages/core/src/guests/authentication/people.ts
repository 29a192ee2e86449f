import { causedBy, GuestpassError } from '../../domain/errors.ts'
import type { Engagements } from '../../upstream/engagements/provider.ts'
import type { ExternalUsers } from '../../upstream/external-users/provider.ts'
import { CREATE_SCOPES } from '../../upstream/scopes.ts'
import type { ChannelPreflight } from './channel-preflight.ts'
import type { Enrichment } from '../enrichment/enrichment.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { Applicant } from '../requests/applicant-request.ts'
import type { TokenRequirements } from '../tokens/accept-tokens.ts'

/** Engagement guests: of a channel, renewed by a rotating refresh token, enriched. */
export const engagementGuests = (of: {
  readonly engagements: Engagements
  readonly channels: ChannelPreflight
  readonly enrichment: Enrichment
  readonly format: TokenRequirements['format']
  readonly available: () => void
}): ApplicantApi => ({
  available: of.available,
  format: of.format,
  renewable: true,
  conflicts: true,
  enrichment: of.enrichment,
  before: ({ channelId = '' }) => of.channels.check(channelId),
  explain: (error, { channelId = '' }) => of.channels.explain(error, channelId),
  create({ email, channelId = '', name, attributes }, requestId, hooks, patienceMs) {
    const request = {
      email,
      channelId,
      ...named(name),
      ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    }
    return of.engagements.create(request, requestId, hooks, patienceMs)
  },
})

/** External users: made on behalf of a signed-in user, who makes the next one when the token has ended. */
export const externalUserGuests = (of: {
  readonly externalUsers: ExternalUsers
  readonly format: TokenRequirements['format']
  readonly available: () => void
  /** Whether a user is signed in. */
  readonly isSignedIn: () => Promise<boolean>
}): ApplicantApi => ({
  available: of.available,
  format: of.format,
  renewable: false,
  conflicts: false,
  before: async () => 'off',
  explain: async (error) => (PERMISSION.has(error.code) && !(await of.isSignedIn()) ? notSignedIn(error) : error),
  create({ email, name = '', attributes }, requestId, hooks, patienceMs) {
    // The schema of the request lets texts alone through.
    const texts = attributes as Readonly<Record<string, string>>
    const request = { email, name, ...(Object.keys(texts).length === 0 ? {} : { attributes: texts }) }
    return of.externalUsers.create(request, requestId, hooks, patienceMs)
  },
})

/** Refusals that a sign-in of the right user ends. */
const PERMISSION: ReadonlySet<string> = new Set(['scope_missing', 'access_denied'])

const notSignedIn = (error: GuestpassError): GuestpassError =>
  new GuestpassError(
    'needs_reauth',
    `External users are made on behalf of a signed-in user with the scopes ${CREATE_SCOPES.join(' ')}, and no user is signed in. Sign in first.`,
    causedBy(error),
  )

const named = (name: Applicant['name']): { name?: string } => (name === undefined ? {} : { name })
