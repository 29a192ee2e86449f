import { DAY, HOUR, type Instant, type Millis, MINUTE } from '@guestpass/core'
import * as z from 'zod'

const units: Readonly<Record<string, Millis>> = { m: MINUTE, h: HOUR, d: DAY }

/** A date, or a date and a time; without an offset it is UTC (ISO 8601). */
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** A moment that is written as an age (`90m`, `24h`, `7d`) or in ISO 8601; gives it by the time that it is now. */
export const since: z.ZodType<(now: Instant) => Instant, string> = z.string().transform((text, context) => {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return (now: Instant) => now - Number(count) * (units[unit] ?? 0)
  const at = ISO.test(text) ? Date.parse(/T.*(Z|[+-]\d\d:\d\d)$|^[^T]*$/.test(text) ? text : `${text}Z`) : Number.NaN
  if (!Number.isNaN(at)) return () => at
  context.addIssue({ code: 'custom', message: 'is neither an age nor a time' })
  return z.NEVER
})

/** What its option takes, for help and remedies. */
export const SINCE = 'an age as 90m, 24h or 7d, or a time as 2026-01-31 or 2026-01-31T08:00Z'
