import { GuestpassError } from '@guestpass/core'
import type { Instant, Millis } from '@guestpass/core/store-kit'
import { durationOption, sinceOption } from '@guestpass/runtime'
import type * as z from 'zod'

/** A moment in a query: an age as `90m`, or a time. Throws `invalid_input`. */
export const momentIn = (field: string, written: string | undefined, now: Instant): Instant | undefined =>
  written === undefined ? undefined : parsed(sinceOption, field, written)(now)

/** A duration in a query, as `90m`. Throws `invalid_input`. */
export const durationIn = (field: string, written: string | undefined): Millis | undefined =>
  written === undefined ? undefined : parsed(durationOption, field, written)

/** A text of a query that a kind of the command line parses. */
function parsed<T>(kind: z.ZodType<T, string>, field: string, written: string): T {
  const result = kind.safeParse(written)
  if (result.success) return result.data
  const message = result.error.issues.map((issue) => issue.message).join('; ')
  const fields = [{ field, message, remedy: 'Give an age as 90m, 24h or 7d, or a time in ISO 8601.' }]
  throw new GuestpassError('invalid_input', `The request is not valid: ${field}: ${message}.`, { fields })
}
