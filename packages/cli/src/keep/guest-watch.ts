import { type Clock, type Event, GuestpassError, type Store } from '@guestpass/core'
import { guestIdOf, iso } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import { commandFor } from '@guestpass/runtime'
import { withVariables } from '../commands/runner/remedies.ts'
import { counted } from '../counted.ts'
import type { KeepEntry, KeepLog } from './keep-log.ts'

/** An outage may end every session. More lines than these between two looks are counted only. */
const MOST_LINES = 20
/** Guests whose renewal failed, and who are watched until their token ends. */
const MOST_WATCHED = 10_000

interface WatchParts {
  readonly store: Pick<Store, 'findBySubject'>
  readonly connection: string
  readonly clock: Pick<Clock, 'wall'>
  readonly log: KeepLog
}

/** A failed renewal of a guest: when its token ends, and why it was not renewed. */
interface FailedRenewal {
  readonly expiresAt: Instant
  readonly error: Event['error']
  /** Its end was logged: later failures of the same token are no news. */
  isLogged: boolean
}

interface WatchState extends WatchParts {
  /** By subject. */
  readonly failed: Map<string, FailedRenewal>
  /** The look-ups under way. */
  underway: Promise<void>
  lines: number
  leftOut: number
}

/** Logs guests whose token cannot be renewed any more, or ended before it was renewed. */
export interface GuestWatch {
  /** Takes the events of a commit. */
  observe(events: readonly Event[]): void
  /** Looks up the guests whose token has ended, and logs how many lines were left out. */
  look(): Promise<void>
}

export function createGuestWatch(parts: WatchParts): GuestWatch {
  const state: WatchState = { ...parts, failed: new Map(), underway: Promise.resolve(), lines: 0, leftOut: 0 }
  return {
    observe(events) {
      for (const event of events) if (event.connection === parts.connection) onEvent(state, event)
    },
    async look() {
      await state.underway
      const now = parts.clock.wall()
      const over = [...state.failed].filter(([, { expiresAt, isLogged }]) => expiresAt <= now && !isLogged)
      for (const [subject, renewal] of over) {
        await logIfExpired(state, subject, renewal.error)
        renewal.isLogged = true
      }
      if (state.leftOut > 0) {
        const message = `${counted(state.leftOut, 'more guest')} ended. List them with \`${commandFor(parts.connection, 'guest list')}\`.`
        parts.log({ event: 'guest_ended', level: 'warning', message, facts: { more: state.leftOut } })
      }
      Object.assign(state, { lines: 0, leftOut: 0 })
    },
  }
}

function onEvent(state: WatchState, { type, subject, error }: Event): void {
  if (type === 'REFRESH_COMPLETED' || type === 'TOKEN_GENERATED_SUCCESS') state.failed.delete(subject)
  if (type !== 'REFRESH_FAILED' && type !== 'TOKEN_FAILED') return
  const examined = examine(state, subject, error).catch(() => {})
  state.underway = Promise.all([state.underway, examined]).then(() => undefined)
}

const find = async ({ store, connection }: WatchState, subject: string) => {
  const guest = await store.findBySubject(connection, subject)
  return guest?.kind === 'guest' ? guest : undefined
}

/** Logs a guest that has ended; watches one that has a token. */
async function examine(state: WatchState, subject: string, error: Event['error']): Promise<void> {
  const guest = await find(state, subject)
  if (guest?.status === 'needs_reauth') {
    const guestId = guestIdOf(guest)
    const message = `Guest ${guestId} ended: its token cannot be renewed any more. See \`${commandFor(state.connection, `why ${guestId}`)}\`.`
    log(state, { event: 'guest_ended', message, facts: { guestId, api: guest.api, code: error?.code } })
  } else if (guest?.tokens) watch(state.failed, subject, { expiresAt: guest.tokens.expiresAt, error, isLogged: false })
}

function watch(failed: WatchState['failed'], subject: string, renewal: FailedRenewal): void {
  if (failed.get(subject)?.expiresAt === renewal.expiresAt && failed.get(subject)?.isLogged) return
  failed.set(subject, renewal)
  const [oldest = ''] = failed.keys()
  if (failed.size > MOST_WATCHED) failed.delete(oldest)
}

async function logIfExpired(state: WatchState, subject: string, error: Event['error']): Promise<void> {
  const guest = await find(state, subject)
  const isOver = guest?.status === 'active' && guest.tokens && guest.tokens.expiresAt <= state.clock.wall()
  if (!isOver) return
  const guestId = guestIdOf(guest)
  const at = iso(guest.tokens.expiresAt)
  const why = error ? withVariables(new GuestpassError(error.code, error.message), state.connection).message : undefined
  const message = `The token of guest ${guestId} ended at ${at} before it was renewed: ${why ?? 'its renewal failed.'}`
  log(state, { event: 'guest_token_expired', message, facts: { guestId, api: guest.api, code: error?.code } })
}

function log(state: WatchState, entry: KeepEntry): void {
  state.lines += 1
  if (state.lines > MOST_LINES) state.leftOut += 1
  else state.log({ ...entry, level: 'warning' })
}
