import { z } from 'zod'
import type { Access } from './access.ts'
import { channelEndpoint } from './channels/channel.ts'
import { channelBody, type Channels, createChannels } from './channels/channels.ts'
import type { Clock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import { createGuestEndpoint } from './engagements/create.ts'
import { getGuestEndpoint, updateGuestEndpoint } from './engagements/guest.ts'
import { refreshGuestEndpoint } from './engagements/refresh.ts'
import { createSessions, type Sessions } from './engagements/sessions.ts'
import { createExternalUserEndpoint } from './external-users/create.ts'
import { createExternalUsers, type ExternalUsers } from './external-users/users.ts'
import type { GuestJwt } from './guest-jwt.ts'
import type { guestShape } from './guest-options.ts'
import type { Organizations } from './oauth/organizations.ts'
import type { Randomness } from './random.ts'

/** The decisions of the platform about guests that tests and control routes can make. */
export interface GuestDecisions {
  readonly channels: Pick<Channels, 'all'>
  /** Adds or changes a channel. Throws a ZodError if the input is not a channel. */
  readonly channel: (input: unknown) => void
  /** Ends a guest's session. Throws a ZodError if the input names no guest with a session. */
  readonly endGuest: (input: unknown) => void
}

/** The endpoints of authenticated guests, and the decisions on them. */
export interface GuestEndpoints extends GuestDecisions {
  readonly endpoints: readonly Endpoint[]
  readonly sessions: Sessions
  readonly users: ExternalUsers
  /** The id of the channel that always exists. */
  readonly channelId: string
}

/** The end of a session from a control route. */
export const endGuestBody = z.strictObject({ guestId: z.string(), end: z.literal(true) })

interface GuestEndpointsParts {
  readonly settings: z.infer<z.ZodObject<typeof guestShape>> & { readonly organization: string }
  readonly organization: Organizations
  readonly access: Access
  readonly sign: GuestJwt
  readonly clock: Clock
  readonly random: Randomness
}

export function createGuestEndpoints({
  settings,
  organization,
  access,
  sign,
  clock,
  random,
}: GuestEndpointsParts): GuestEndpoints {
  const openChannels = createChannels(organization, settings.organization, settings.channels.length === 0)
  const channelId = random.uuid()
  for (const channel of [{ id: channelId, enabled: true }, ...settings.channels]) openChannels.put(channel)
  const newId = settings.guestIds === 'uuid' ? random.uuid : () => `guest/${random.text(9)}?ü`
  const shared = { clock, random, sign, newId }
  const sessions = createSessions({
    ...shared,
    tokenSeconds: settings.engagementTokenSeconds,
    refreshSeconds: settings.engagementRefreshSeconds,
  })
  const users = createExternalUsers({
    ...shared,
    tokenFormat: settings.externalUserTokenFormat,
    tokenSeconds: settings.externalUserTokenSeconds,
  })
  const liveGuestId = z.string().refine((id) => sessions.isLive(id) || users.isLive(id), {
    error: 'no guest of this id has a live session',
  })
  const endingBody = endGuestBody.extend({ guestId: liveGuestId })
  return {
    channelId,
    sessions,
    users,
    channels: openChannels,
    channel: (input) => {
      openChannels.put(channelBody.parse(input))
    },
    endGuest: (input) => {
      const { guestId } = endingBody.parse(input)
      sessions.end(guestId)
      users.end(guestId)
    },
    endpoints: [
      createGuestEndpoint({ access, sessions, channels: openChannels }),
      refreshGuestEndpoint(access, sessions),
      updateGuestEndpoint(access, sessions),
      getGuestEndpoint(access, sessions),
      channelEndpoint(access, openChannels),
      createExternalUserEndpoint(access, users, settings.externalUserDuplicates),
    ],
  }
}
