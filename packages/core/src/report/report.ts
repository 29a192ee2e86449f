import type { Event } from '../domain/events/event.ts'
import { REFRESH_GRANT } from '../domain/events/access-tokens.ts'
import { connectionName } from '../domain/connection-name.ts'
import { checkOptions, schema, required, object } from '../domain/options.ts'
import { type Instant, type Millis, tenth } from '../domain/time.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { type Histogram, createHistogram } from './histogram.ts'

/**
 * The results of one kind of request. Latencies are those of successful requests, in milliseconds with one
 * decimal.
 */
export interface JobReport {
  /** Requests that ended, with success or failure. */
  readonly totalRequests: number
  readonly succeeded: number
  readonly failed: number
  /** succeeded / totalRequests in percent, one decimal; 100 without requests. */
  readonly validityRatePercent: number
  /** The mean latency. */
  readonly avgLatencyMs: Millis
  readonly totalLatencyMs: Millis
  /** The median and the 99th percentile; exact to within a quarter, as those of `Histogram`. */
  readonly p50LatencyMs: Millis
  readonly p99LatencyMs: Millis
}

/** Counts and latencies of the requests of a connection, from its stored events. Made by `report`. */
export interface Report {
  /** The name of the connection. */
  readonly connection: string
  /** Requests for tokens of all kinds that ended, with success or failure. */
  readonly totalRequests: number
  /** Refreshes of guest tokens, and of access tokens by a refresh token. Client credentials do not count. */
  readonly successfulRefreshes: number
  /** Failed refreshes. Imported tokens that were refused count too. */
  readonly failedRefreshes: number
  /** Requests that gave a valid token, in percent, one decimal; 100 without requests. */
  readonly validityRatePercent: number
  /** The mean latency of successful requests, in milliseconds with one decimal. */
  readonly avgLatencyMs: Millis
  /** The sum of the latencies of successful requests, in milliseconds with one decimal. */
  readonly totalLatencyMs: Millis
  /** Requests for access tokens, by client credentials or by a refresh token. */
  readonly accessTokens: JobReport
  /** Requests for the tokens of anonymous guests (`guest-tokens`), without refreshes. */
  readonly guestTokens: JobReport
  /** Refreshes of guest tokens. */
  readonly refreshes: JobReport
  /** Requests for authenticated guests. Requests that were refused because a session exists do not count. */
  readonly authentications: JobReport
  /** Guests that were revoked. */
  readonly revoked: number
  readonly signIns: SignInReport
}

/** Counts of the sign-ins of users, and of what happened to them later. */
export interface SignInReport {
  readonly completed: number
  readonly failed: number
  /** Refreshes whose answer was lost. */
  readonly inDoubt: number
  /** Refresh tokens that were presented again after a lost answer. */
  readonly lastResorts: number
  /** Sign-ins that the upstream ended. */
  readonly ended: number
  /** Sign-ins that `signOut` ended. */
  readonly signedOut: number
}

/** The members of the report that count a type of event. */
const counters: Readonly<Partial<Record<Event['type'], keyof SignInReport | 'revoked'>>> = {
  TOKEN_REVOKED: 'revoked',
  SIGN_IN_COMPLETED: 'completed',
  SIGN_IN_FAILED: 'failed',
  GRANT_IN_DOUBT: 'inDoubt',
  GRANT_LAST_RESORT: 'lastResorts',
  GRANT_ENDED: 'ended',
  GRANT_REVOKED: 'signedOut',
}

interface JobTally {
  succeeded: number
  failed: number
  readonly latency: Histogram
}

type Job = 'accessTokens' | 'guestTokens' | 'refreshes' | 'authentications'

/** The types of events that end a request, with the part of the report that counts them. */
const endTypes: Readonly<Partial<Record<Event['type'], readonly [Job, 'succeeded' | 'failed']>>> = {
  ACCESS_TOKEN_RENEWED: ['accessTokens', 'succeeded'],
  ACCESS_TOKEN_FAILED: ['accessTokens', 'failed'],
  TOKEN_GENERATED_SUCCESS: ['guestTokens', 'succeeded'],
  TOKEN_FAILED: ['guestTokens', 'failed'],
  REFRESH_COMPLETED: ['refreshes', 'succeeded'],
  REFRESH_FAILED: ['refreshes', 'failed'],
}

function endOf({ type, outcome, error }: Event): readonly [Job, 'succeeded' | 'failed'] | undefined {
  if (type !== 'guest.authentication') return endTypes[type]
  if (error?.code === 'session_exists') return undefined
  return ['authentications', outcome === 'success' ? 'succeeded' : 'failed']
}

/** Whether a request for an access token presented a refresh token. */
const isOAuthRefresh = (event: Event): boolean =>
  (event.type === 'ACCESS_TOKEN_RENEWED' || event.type === 'ACCESS_TOKEN_FAILED') &&
  // Events of former versions have no data.
  event.data?.grant === REFRESH_GRANT

const PAGE = 1_000

/** Options of `report`. */
export interface ReportOptions {
  /** Only events at this time or later: milliseconds since the epoch. Default: all stored events. */
  readonly since?: Instant | undefined
}

const instant = schema(
  'milliseconds since 1970',
  (value) => typeof value === 'number' && !Number.isNaN(value),
  "Give milliseconds since 1970, as Date.parse('2026-01-01').",
)
const optionsSchema = object<ReportOptions>({ since: instant })

/**
 * Makes a report of a connection from its stored events, which it reads page by page.
 *
 * `connection`: the name of the connection. `options.since`: only events at this time or later, in milliseconds
 * since 1970; default: all.
 *
 * @throws `config_invalid` for wrong options
 */
export async function report(store: Store, connection: string, options: ReportOptions = {}): Promise<Report> {
  checkOptions(
    'report',
    ['store', store, schemas.store('events')],
    ['connection', connection, required(connectionName)],
    ['options', options, optionsSchema],
  )
  const { since = Number.NEGATIVE_INFINITY } = options
  const all = tally()
  const jobs: Record<Job, JobTally> = {
    accessTokens: tally(),
    guestTokens: tally(),
    refreshes: tally(),
    authentications: tally(),
  }
  const counts = { revoked: 0, completed: 0, failed: 0, inDoubt: 0, lastResorts: 0, ended: 0, signedOut: 0 }
  const refreshes = { succeeded: 0, failed: 0 }
  for await (const event of eventsOf(store, connection)) {
    const { at, type, latencyMs } = event
    if (at < since) continue
    const count = counters[type]
    if (count) counts[count] += 1
    const [job, end] = endOf(event) ?? []
    if (!job || !end) continue
    if (job === 'refreshes' || isOAuthRefresh(event)) refreshes[end] += 1
    for (const one of [all, jobs[job]]) {
      one[end] += 1
      if (end === 'succeeded') one.latency.add(latencyMs ?? 0)
    }
  }
  const { totalRequests, validityRatePercent, avgLatencyMs, totalLatencyMs } = jobReport(all)
  const { revoked, ...signIns } = counts
  return {
    connection,
    totalRequests,
    successfulRefreshes: refreshes.succeeded,
    failedRefreshes: refreshes.failed,
    validityRatePercent,
    avgLatencyMs,
    totalLatencyMs,
    accessTokens: jobReport(jobs.accessTokens),
    guestTokens: jobReport(jobs.guestTokens),
    refreshes: jobReport(jobs.refreshes),
    authentications: jobReport(jobs.authentications),
    revoked,
    signIns,
  }
}

/** The events of a connection, in the order of their commits. Throws `config_invalid` for wrong arguments. */
export async function* eventsOf(store: Store, connection: string): AsyncGenerator<Event> {
  checkOptions(
    'eventsOf',
    ['store', store, schemas.store('events')],
    ['connection', connection, required(connectionName)],
  )
  for (let after: number | undefined; ; ) {
    const page = await store.events(connection, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    yield* page.events
    if (page.next === undefined) return
    after = page.next
  }
}

const tally = (): JobTally => ({ succeeded: 0, failed: 0, latency: createHistogram() })

function jobReport({ succeeded, failed, latency }: JobTally): JobReport {
  const totalRequests = succeeded + failed
  return {
    totalRequests,
    succeeded,
    failed,
    validityRatePercent: totalRequests === 0 ? 100 : tenth((100 * succeeded) / totalRequests),
    avgLatencyMs: tenth(latency.mean),
    totalLatencyMs: tenth(latency.sum),
    p50LatencyMs: tenth(latency.quantile(0.5)),
    p99LatencyMs: tenth(latency.quantile(0.99)),
  }
}
