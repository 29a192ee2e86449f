import { DAY, HOUR, type Instant, type Millis, MINUTE, SECOND } from '@guestpass/core/store-kit'
import * as z from 'zod'

const units: Readonly<Record<string, Millis>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY }

/** Days and times that the calendar has. */
const date = z.iso.date()
const dateTime = z.iso.datetime({ local: true })

/** A date, or a date and a time, in ISO 8601; without an offset it is UTC. NaN for anything else. */
function instantOf(text: string): Instant {
  if (date.safeParse(text).success) return Date.parse(text)
  const { local = '', offset = 'Z' } = /^(?<local>.+?)(?<offset>Z|[+-]\d\d:\d\d)?$/.exec(text)?.groups ?? {}
  return dateTime.safeParse(local).success ? Date.parse(local + offset) : Number.NaN
}

/** A duration that is written as `60s`, `90m`, `24h` or `7d`. */
export const durationOption: z.ZodType<Millis, string> = z.string().transform((text, context) => {
  const ms = durationOf(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'is no duration' })
  return z.NEVER
})

function durationOf(text: string): Millis | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (units[unit] ?? 0)
}

/**
 * A moment that is written as an age (`60s`, `90m`, `24h`, `7d`) or in ISO 8601; gives it by the time that it is
 * now.
 */
export const sinceOption: z.ZodType<(now: Instant) => Instant, string> = z.string().transform((text, context) => {
  const age = durationOf(text)
  if (age !== undefined) return (now: Instant) => now - age
  const at = instantOf(text)
  if (!Number.isNaN(at)) return () => at
  context.addIssue({ code: 'custom', message: 'is neither an age nor a time' })
  return z.NEVER
})

/** What `durationOption` takes, for help and remedies. */
export const DURATION_FORMATS = 'a duration as 60s, 90m, 24h or 7d'
/** What `sinceOption` takes, for help and remedies. */
export const SINCE_FORMATS = 'an age as 60s, 90m, 24h or 7d, or a time as 2026-01-31 or 2026-01-31T08:00Z'
