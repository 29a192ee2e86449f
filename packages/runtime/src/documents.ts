import type { AccessToken, GuestView, IssuedGuest, Revocation, Secret } from '@guestpass/core'
import { type ConnectionView, iso } from '@guestpass/core/runtime-kit'

/** Shows a token in a document: in full, or masked. */
export type ShownToken = (token: Secret) => string

/*
 * Documents for programs: the bodies of the service's routes, and the output of the command line with --json.
 * Instants are ISO 8601 in UTC.
 */

/** The document of an issued guest. */
export const guestDocument = (guest: IssuedGuest, shown: ShownToken) => ({
  guestId: guest.guestId,
  api: guest.api,
  ...tokenDocument(guest, shown),
  verified: guest.verified,
  ...(guest.channelId === undefined ? {} : { channelId: guest.channelId }),
  ...(guest.crm ? { crm: guest.crm } : {}),
  ...(guest.upstream ? { upstream: guest.upstream } : {}),
})

/** The document of a guest's token. */
export const tokenDocument = (
  { token, expiresAt, generation }: Pick<IssuedGuest, 'token' | 'expiresAt' | 'generation'>,
  shown: ShownToken,
) => ({ token: shown(token), expiresAt: iso(expiresAt), generation })

/** The document of an access token of the connection. */
export const accessTokenDocument = (
  { token, expiresAt, scopes, generation, status }: AccessToken,
  shown: ShownToken,
) => ({ accessToken: shown(token), expiresAt: iso(expiresAt), scope: scopes.join(' '), generation, status })

/** The document of a guest, without its token. */
export const guestViewDocument = (view: GuestView) => ({
  ...view,
  ...(view.expiresAt === undefined ? {} : { expiresAt: iso(view.expiresAt) }),
  createdAt: iso(view.createdAt),
})

/** The document of a revocation: its result here and upstream. */
export const revocationDocument = ({ upstream, local, upstreamValidUntil }: Revocation) => ({
  upstream,
  local,
  ...(upstreamValidUntil === undefined ? {} : { upstreamValidUntil: iso(upstreamValidUntil) }),
})

/** The document of a connection: how it gets its access tokens. */
export const connectionDocument = ({ expiresAt, renewedAt, standing: _former, ...view }: ConnectionView) => ({
  ...view,
  ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
  ...(renewedAt === undefined ? {} : { renewedAt: iso(renewedAt) }),
})
