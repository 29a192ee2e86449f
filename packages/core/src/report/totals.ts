import { REFRESH_GRANT } from '../domain/events/access-tokens.ts'
import type { Event } from '../domain/events/event.ts'
import { type Millis, tenth } from '../domain/time.ts'
import { bucketOf } from './histogram.ts'

/** Counts by name. Counts of 0 are left out. */
type Counts = Readonly<Record<string, number>>

/** How many requests of one kind ended, and the latencies of the successful ones. */
export type JobTotals = {
  readonly succeeded: number
  readonly failed: number
  readonly sumMs: Millis
  readonly longestMs: Millis
  /** How many latencies are in each bucket, by its number; see `bucketOf`. */
  readonly buckets: Counts
}

/** What a report counts. Stored documents hold it, so that no name changes its meaning. */
export interface Totals {
  readonly jobs: Readonly<Record<string, JobTotals>>
  readonly counts: Counts
}

export const NO_TOTALS: Totals = { jobs: {}, counts: {} }
export const NO_JOB: JobTotals = { succeeded: 0, failed: 0, sumMs: 0, longestMs: 0, buckets: {} }

/** A part of a report, by the name of its member. */
export type Job = 'accessTokens' | 'guestTokens' | 'refreshes' | 'authentications'
type End = 'succeeded' | 'failed'

/** A count of a report, by the name of its member. */
export type Counter =
  | 'successfulRefreshes'
  | 'failedRefreshes'
  | 'revoked'
  | 'completed'
  | 'failed'
  | 'inDoubt'
  | 'lastResorts'
  | 'ended'
  | 'signedOut'

/** The counters of types of events. */
const counters: Readonly<Partial<Record<Event['type'], Counter>>> = {
  TOKEN_REVOKED: 'revoked',
  SIGN_IN_COMPLETED: 'completed',
  SIGN_IN_FAILED: 'failed',
  GRANT_IN_DOUBT: 'inDoubt',
  GRANT_LAST_RESORT: 'lastResorts',
  GRANT_ENDED: 'ended',
  GRANT_REVOKED: 'signedOut',
}

/** The types of events that end a request, with the part of the report that counts them. */
const endTypes: Readonly<Partial<Record<Event['type'], readonly [Job, End]>>> = {
  ACCESS_TOKEN_RENEWED: ['accessTokens', 'succeeded'],
  ACCESS_TOKEN_FAILED: ['accessTokens', 'failed'],
  TOKEN_GENERATED_SUCCESS: ['guestTokens', 'succeeded'],
  TOKEN_FAILED: ['guestTokens', 'failed'],
  REFRESH_COMPLETED: ['refreshes', 'succeeded'],
  REFRESH_FAILED: ['refreshes', 'failed'],
}

function endOf({ type, outcome, error }: Event): readonly [Job, End] | undefined {
  if (type !== 'guest.authentication') return endTypes[type]
  if (error?.code === 'session_exists') return undefined
  return ['authentications', outcome === 'success' ? 'succeeded' : 'failed']
}

/** Whether a request for an access token presented a refresh token. */
const isOAuthRefresh = (event: Event): boolean =>
  (event.type === 'ACCESS_TOKEN_RENEWED' || event.type === 'ACCESS_TOKEN_FAILED') &&
  // Events of former versions have no data.
  event.data?.grant === REFRESH_GRANT

/** The totals of one event. */
export function totalsOf(event: Event): Totals {
  const counter = counters[event.type]
  const [job, end] = endOf(event) ?? []
  const isRefresh = job === 'refreshes' || isOAuthRefresh(event)
  const refresh = end === 'succeeded' ? 'successfulRefreshes' : 'failedRefreshes'
  return {
    jobs: job && end ? { [job]: jobTotalsOf(end, event.latencyMs ?? 0) } : {},
    counts: { ...(counter ? { [counter]: 1 } : {}), ...(isRefresh ? { [refresh]: 1 } : {}) },
  }
}

const jobTotalsOf = (end: End, ms: Millis): JobTotals =>
  end === 'failed'
    ? { ...NO_JOB, failed: 1 }
    : { succeeded: 1, failed: 0, sumMs: ms, longestMs: ms, buckets: { [bucketOf(ms)]: 1 } }

/** The sum of two totals. It does not depend on the order in which totals are added. */
export function addTotals(one: Totals, other: Totals): Totals {
  const jobs: Record<string, JobTotals> = { ...one.jobs }
  for (const [job, added] of Object.entries(other.jobs)) jobs[job] = addJobs(jobs[job] ?? NO_JOB, added)
  return { jobs, counts: addCounts(one.counts, other.counts) }
}

/** The sum of the totals of two jobs. */
export const addJobs = (one: JobTotals, other: JobTotals): JobTotals => ({
  succeeded: one.succeeded + other.succeeded,
  failed: one.failed + other.failed,
  // Latencies of events have one decimal. Rounded, so that their sum is exact in any order.
  sumMs: tenth(one.sumMs + other.sumMs),
  longestMs: Math.max(one.longestMs, other.longestMs),
  buckets: addCounts(one.buckets, other.buckets),
})

function addCounts(one: Counts, other: Counts): Counts {
  const sums: Record<string, number> = { ...one }
  for (const [name, count] of Object.entries(other)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
