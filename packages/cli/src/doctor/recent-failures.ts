import { type Clock, type ErrorCode, type Event, GuestpassError, type Store } from '@guestpass/core'
import { newestLinks } from '@guestpass/core/runtime-kit'
import { type Millis, MINUTE } from '@guestpass/core/store-kit'
import { commandFor } from '@guestpass/runtime'
import { withVariables } from '../commands/runner/remedies.ts'
import { counted } from '../counted.ts'
import { type Finding, ok, warning } from './finding.ts'

interface RecentParts {
  readonly store: Pick<Store, 'chain'>
  readonly connection: string
  readonly ports: { readonly clock: Pick<Clock, 'wall'> }
}

const RECENT: Millis = 10 * MINUTE
/** The newest audit records that are read. */
const RECORDS = 1_000

/** What is done for guests, and the events of its end. */
const operations = [
  { name: 'refresh', of: ['refresh', 'refreshes'], done: 'REFRESH_COMPLETED', failed: 'REFRESH_FAILED' },
  { name: 'issue', of: ['issue', 'issues'], done: 'TOKEN_GENERATED_SUCCESS', failed: 'TOKEN_FAILED' },
  {
    name: 'authentication',
    of: ['authentication', 'authentications'],
    done: 'guest.authentication',
    failed: 'guest.authentication',
  },
] as const

type Operation = (typeof operations)[number]

/** Failures that concern every guest. Others, as the end of one session, are no fault of the installation. */
const common: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_unavailable',
  'circuit_open',
  'deadline_exceeded',
  'upstream_busy',
  'upstream_garbled',
  'keys_unavailable',
  'token_refused',
  'client_rejected',
  'access_denied',
  'access_rejected',
  'scope_missing',
  'create_in_doubt',
])

/**
 * Whether the latest guest tokens were issued and refreshed, as the newest audit records say: the guest APIs are
 * not called, because each call makes a guest.
 */
export async function recentFailures({ store, connection, ports: { clock } }: RecentParts): Promise<Finding> {
  const links = await newestLinks(store, connection, { limit: RECORDS })
  const since = clock.wall() - RECENT
  const events = links.map(({ event }) => event).filter(({ at }) => at >= since)
  const failing = operations.flatMap((operation) => {
    const failures = failuresSinceSuccess(events, operation)
    return failures.length === 0 ? [] : [{ operation, failures }]
  })
  if (failing.length === 0) return ok('recent requests', 'no refresh, issue or authentication of a guest fails')
  const counts = failing.map(({ operation: { of }, failures }) => counted(failures.length, of[0], of[1]))
  const codes = new Set(failing.flatMap(({ failures }) => failures.map(({ error }) => error?.code)))
  const message = `${counts.join(' and ')} of guests failed in the last 10 minutes, and none succeeded after that: ${[...codes].join(', ')}`
  const types = failing.map(({ operation }) => operation.failed).join(' ')
  const remedy = `See them with \`${commandFor(connection, `audit tail --event ${types}`)}\`. This check reads the audit log: doctor does not call the guest APIs.`
  const details = failing.map(({ operation, failures }) => lastOf(operation, failures, connection))
  return { ...warning('recent requests', message, remedy), details }
}

/** The failures after the last success. `events`: the newest first. */
function failuresSinceSuccess(events: readonly Event[], { done, failed }: Operation): readonly Event[] {
  const success = events.findIndex(({ type, outcome }) => type === done && outcome === 'success')
  return events
    .slice(0, success === -1 ? events.length : success)
    .filter(({ type, error }) => type === failed && error !== undefined && common.has(error.code))
}

function lastOf({ name }: Operation, [newest]: readonly Event[], connection: string): string {
  const { code, message } = newest?.error ?? { code: 'internal', message: '' }
  return `the last ${name}: ${withVariables(new GuestpassError(code, message), connection).message}`
}
