import type { Clock } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import type { Json } from '@guestpass/core/store-kit'

/** The names of the entries, which do not change. docs/operate.md explains each. */
export const keepEvents = [
  'started',
  'summary',
  'stopped',
  'failed',
  'note',
  'warning',
  'worker_failing',
  'worker_recovered',
  'upstream_reachable',
  'upstream_unreachable',
  'rate_limited',
  'rate_limit_ended',
  'clock_differs',
  'clock_agrees',
  'connection_changed',
  'access_token_ended',
  'guest_ended',
  'guest_token_expired',
  'renewals_behind',
  'renewals_caught_up',
  'webhook_disabled',
  'webhook_enabled',
  'dead_letters',
  'disk_low',
  'disk_recovered',
  'status_file_failed',
  'status_file_recovered',
] as const

export type KeepEvent = (typeof keepEvents)[number]

/** A change of state, or a summary. */
export interface KeepEntry {
  readonly event: KeepEvent
  /** Default `info`. */
  readonly level?: 'info' | 'warning' | 'error'
  /** A sentence for people. */
  readonly message: string
  /** More members of the JSON object. */
  readonly facts?: Readonly<Record<string, Json | undefined>>
}

export type KeepLog = (entry: KeepEntry) => void

interface LogParts {
  readonly format: 'text' | 'json'
  readonly connection: string
  readonly clock: Pick<Clock, 'wall'>
  /** Prints a line on standard error. */
  readonly print: (line: string) => void
}

/** Writes an entry as a line: for people, or as a JSON object. */
export const createKeepLog =
  ({ format, connection, clock, print }: LogParts): KeepLog =>
  ({ event, level = 'info', message, facts = {} }) => {
    const time = iso(clock.wall())
    if (format === 'json') print(JSON.stringify({ time, level, event, connection, message, ...facts }))
    else print(`${time.slice(0, 19)}Z ${level === 'info' ? '' : `${level}: `}${message}`)
  }
