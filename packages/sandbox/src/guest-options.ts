import { z } from 'zod'
import { channelBody, type ChannelOptions } from './channels/channels.ts'
import { type ExistingGuest, existingGuests } from './existing-guests.ts'
import { secretsBody } from './receivers/deliveries.ts'

/** The options of a sandbox about authenticated guests and webhooks. */
export interface GuestOptions {
  /** Lifetime of a token of the engagements API in seconds, 1 to 86400. Default 3600. */
  readonly engagementTokenSeconds?: number | undefined
  /**
   * Lifetime of its refresh token in seconds, 1 to 7776000. Default 86400. A session ends when both have
   * expired.
   */
  readonly engagementRefreshSeconds?: number | undefined
  /** Lifetime of the token of an external user in seconds, 1 to 86400. Default 3600. */
  readonly externalUserTokenSeconds?: number | undefined
  /** The format of the token of an external user. Default `jwt`. */
  readonly externalUserTokenFormat?: 'jwt' | 'opaque' | undefined
  /**
   * The answer to a create of an external user whose address has a session: 409, or another user. Default
   * `refuse`.
   */
  readonly externalUserDuplicates?: 'refuse' | 'make' | undefined
  /**
   * The ids of authenticated guests: UUIDs, or texts with characters that a path must encode. Default `uuid`.
   */
  readonly guestIds?: 'uuid' | 'text' | undefined
  /** Channels besides `Sandbox.channelId`. Default: any channel exists as soon as a request names it. */
  readonly channels?: readonly ChannelOptions[] | undefined
  /**
   * Guests that exist from the start. A create for the address of one is refused with 409, as long as its
   * session lasts. Default none.
   */
  readonly guests?: readonly ExistingGuest[] | undefined
  /**
   * The secrets of webhooks to the sandbox, `whsec_…`, at least one; a webhook is verified by any. Default
   * one random secret.
   */
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
  guests: existingGuests,
  webhookSecrets: secretsBody.optional(),
}
