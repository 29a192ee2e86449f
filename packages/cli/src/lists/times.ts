import { iso } from '@guestpass/core/runtime-kit'
import { DAY, HOUR, type Instant, type Millis, MINUTE, SECOND } from '@guestpass/core/store-kit'
import * as z from 'zod'
import type { ParameterHelp } from '../commands/runner/command.ts'

/** The option of a list that prints times as ISO 8601, and its input. */
export const utcOption: ParameterHelp = ['--utc', 'print times as ISO 8601 in UTC; default: relative to now']
export const utcInput = z.literal(true).optional()

/** How a list prints its times. */
export interface TimeFormat {
  readonly now: Instant
  /** As ISO 8601 in UTC. Default: relative to `now`. */
  readonly utc?: boolean | undefined
}

/** Units, the largest first. A unit is used from two of it on, so that no figure is off by half. */
const units: readonly (readonly [name: string, ms: Millis])[] = [
  ['d', DAY],
  ['h', HOUR],
  ['min', MINUTE],
  ['s', SECOND],
]

/** A time as a list prints it: `in 5 h`, `3 min ago`, or ISO 8601. An absent time is an empty text. */
export function timeText(at: Instant | undefined, { now, utc }: TimeFormat): string {
  if (at === undefined) return ''
  if (utc) return iso(at)
  const [unit, ms] = units.find(([, one]) => Math.abs(at - now) >= 2 * one) ?? ['s', SECOND]
  const count = Math.floor(Math.abs(at - now) / ms)
  if (count === 0) return 'now'
  return at > now ? `in ${count} ${unit}` : `${count} ${unit} ago`
}
