import { z } from 'zod'
import { channelBody, type ChannelOptions } from './channels/channels.ts'
import { secretsBody } from './receivers/deliveries.ts'

/** The part of a sandbox's options that is about authenticated guests. */
export interface GuestOptions {
  /** Seconds that a token of the engagements API lives, 1 to 86400; default 3600. */
  readonly engagementTokenSeconds?: number | undefined
  /** Seconds that its refresh token can be used, 1 to 7776000; default 86400. A session is over when neither lives. */
  readonly engagementRefreshSeconds?: number | undefined
  /** Seconds that the token of an external user lives, 1 to 86400; default 3600. */
  readonly externalUserTokenSeconds?: number | undefined
  /** Default `jwt`. */
  readonly externalUserTokenFormat?: 'jwt' | 'opaque' | undefined
  /** What becomes of a create of an external user whose address has a session: a 409, or another user all the same. Default `refuse`. */
  readonly externalUserDuplicates?: 'refuse' | 'make' | undefined
  /** The ids that people's guests get: UUIDs, or texts with characters that a path has to encode. Default `uuid`. */
  readonly guestIds?: 'uuid' | 'text' | undefined
  /** Channels besides the one that is there anyway. Without a list, a channel is there as soon as somebody names it. */
  readonly channels?: readonly ChannelOptions[] | undefined
  /** What webhooks to the sandbox are signed with, `whsec_…`; one of them is enough. Default one of 32 random bytes. */
  readonly webhookSecrets?: readonly string[] | undefined
}

const day = 86_400
const tokenSeconds = z.int().min(1).max(day).default(3600)

export const guestShape = {
  engagementTokenSeconds: tokenSeconds,
  engagementRefreshSeconds: z
    .int()
    .min(1)
    .max(90 * day)
    .default(day),
  externalUserTokenSeconds: tokenSeconds,
  externalUserTokenFormat: z.enum(['jwt', 'opaque']).default('jwt'),
  externalUserDuplicates: z.enum(['refuse', 'make']).default('refuse'),
  guestIds: z.enum(['uuid', 'text']).default('uuid'),
  channels: z.array(channelBody).default([]),
  webhookSecrets: secretsBody.optional(),
}
