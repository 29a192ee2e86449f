import { z } from 'zod'
import { guestAttributes } from './engagements/create.ts'
import { uuid } from './guest-tokens/generate-token.ts'
import { emailField, nameField } from './person-fields.ts'

/** A guest that exists when the sandbox starts, as one that another program made before. */
export interface ExistingGuest {
  /** Default `engagements`. */
  readonly api?: 'engagements' | 'external-users' | 'guest-tokens' | undefined
  /** 1 to 200 characters; a UUID for `guest-tokens`. Default a new id. */
  readonly guestId?: string | undefined
  /** The address, which has a session until that expires. Required, but not for `guest-tokens`. */
  readonly email?: string | undefined
  /** For `engagements` only. Default the channel that always exists. */
  readonly channelId?: string | undefined
  /** 1 to 100 characters. For `engagements` only. */
  readonly name?: string | undefined
  /** At most 2048 bytes as JSON. For `engagements` only. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined
}

const guestId = z.string().min(1).max(200).optional()

const existingGuest = z.preprocess(
  withApi,
  z.discriminatedUnion('api', [
    z.strictObject({
      api: z.literal('engagements'),
      guestId,
      email: emailField,
      channelId: z.string().min(1).max(200).optional(),
      name: nameField.optional(),
      attributes: guestAttributes.optional(),
    }),
    z.strictObject({ api: z.literal('external-users'), guestId, email: emailField }),
    z.strictObject({ api: z.literal('guest-tokens'), guestId: z.string().regex(uuid, 'a UUID').optional() }),
  ]),
)

/** The option `guests`. */
export const existingGuests = z
  .array(existingGuest)
  .refine(distinct, 'two guests have the same id, or the same address on the same channel')
  .default([])

function withApi(guest: unknown): unknown {
  return typeof guest === 'object' && guest !== null && !('api' in guest) ? { api: 'engagements', ...guest } : guest
}

function distinct(guests: readonly ExistingGuest[]): boolean {
  const keys = guests.flatMap(({ api, guestId: id, email, channelId }) => [
    ...(id === undefined ? [] : [JSON.stringify([api, id.toLowerCase()])]),
    ...(email === undefined ? [] : [JSON.stringify([api, email.toLowerCase(), channelId])]),
  ])
  return new Set(keys).size === keys.length
}
