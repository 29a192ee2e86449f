import { z } from 'zod'
import { faultEffect } from '../faults.ts'

/** A time of the sandbox's clock in ISO 8601. */
const time = z.iso.datetime()

export const healthAnswer = z.strictObject({ status: z.literal('up'), now: time })

export const clockAnswer = z.strictObject({ now: time, offsetMs: z.number() })

export const keyAnswer = z.strictObject({ kid: z.string() })

const count = z.int().min(0)

/** One entry of the journal, see `JournalEntry`. */
export const journalAnswer = z.array(
  z.strictObject({
    seq: count,
    at: time,
    method: z.string(),
    path: z.string(),
    operation: z.string().optional(),
    status: z.int().nullable(),
    headers: z.record(z.string(), z.string()),
    body: z.unknown(),
    fault: faultEffect.optional(),
    replayed: z.literal(true).optional(),
    reuse: z.literal(true).optional(),
    grant: z.string().optional(),
    family: z.string().optional(),
    presented: count.optional(),
    guestId: z.string().optional(),
    requestId: z.string().optional(),
    created: count.optional(),
    refreshes: count.optional(),
  }),
)

export const channelsAnswer = z.array(
  z.strictObject({ id: z.string(), name: z.string(), enabled: z.boolean(), organization: z.string() }),
)

export const guestsAnswer = z.array(
  z.strictObject({
    api: z.enum(['guest-tokens', 'engagements', 'external-users']),
    guestId: z.string(),
    email: z.string().optional(),
    channelId: z.string().optional(),
    expiresAt: time,
    live: z.boolean(),
  }),
)

export const deliveriesAnswer = z.array(
  z.strictObject({
    name: z.string(),
    at: time,
    headers: z.record(z.string(), z.string()),
    body: z.string(),
    verified: z.boolean(),
    copy: count,
  }),
)

/** A problem document (RFC 9457), the answer to a refused request. */
export const problemAnswer = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
})
