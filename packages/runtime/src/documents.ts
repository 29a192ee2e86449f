import type { AccessToken, GuestView, IssuedGuest, Revocation, Secret } from '@guestpass/core'
import { type ConnectionView, iso } from '@guestpass/core/runtime-kit'

/** How a document shows a token: in full, or masked. */
export type ShownToken = (token: Secret) => string

/*
 * What programs read: the body of a route of the service, and what the command line prints with --json. Instants are ISO 8601 in UTC.
 */

/** An issued guest. */
export const guestDocument = (guest: IssuedGuest, shown: ShownToken) => ({
  guestId: guest.guestId,
  api: guest.api,
  ...tokenDocument(guest, shown),
  verified: guest.verified,
  ...(guest.channelId === undefined ? {} : { channelId: guest.channelId }),
  ...(guest.crm ? { crm: guest.crm } : {}),
  ...(guest.upstream ? { upstream: guest.upstream } : {}),
})

/** A guest's token. */
export const tokenDocument = (
  { token, expiresAt, generation }: Pick<IssuedGuest, 'token' | 'expiresAt' | 'generation'>,
  shown: ShownToken,
) => ({ token: shown(token), expiresAt: iso(expiresAt), generation })

/** An access token of the service. */
export const accessTokenDocument = (
  { token, expiresAt, scopes, generation, standing }: AccessToken,
  shown: ShownToken,
) => ({ accessToken: shown(token), expiresAt: iso(expiresAt), scope: scopes.join(' '), generation, standing })

/** What is known of a guest, never its token. */
export const guestViewDocument = (view: GuestView) => ({
  ...view,
  ...(view.expiresAt === undefined ? {} : { expiresAt: iso(view.expiresAt) }),
  createdAt: iso(view.createdAt),
})

/** What a revocation did. */
export const revocationDocument = ({ upstream, local, upstreamValidUntil }: Revocation) => ({
  upstream,
  local,
  ...(upstreamValidUntil === undefined ? {} : { upstreamValidUntil: iso(upstreamValidUntil) }),
})

/** How a connection gets its access tokens. */
export const connectionDocument = ({ expiresAt, renewedAt, ...view }: ConnectionView) => ({
  ...view,
  ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
  ...(renewedAt === undefined ? {} : { renewedAt: iso(renewedAt) }),
})
