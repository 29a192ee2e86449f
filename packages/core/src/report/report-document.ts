import { type Millis, tenth } from '../domain/time.ts'
import { quantileOf } from './histogram.ts'
import { addJobs, type Counter, type Job, type JobTotals, NO_JOB, type Totals } from './totals.ts'

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

/** Makes the report of a connection from its totals. */
export function reportOf(connection: string, totals: Totals): Report {
  const count = (name: Counter): number => totals.counts[name] ?? 0
  const job = (name: Job): JobTotals => totals.jobs[name] ?? NO_JOB
  const { totalRequests, validityRatePercent, avgLatencyMs, totalLatencyMs } = jobReport(
    Object.values(totals.jobs).reduce(addJobs, NO_JOB),
  )
  return {
    connection,
    totalRequests,
    successfulRefreshes: count('successfulRefreshes'),
    failedRefreshes: count('failedRefreshes'),
    validityRatePercent,
    avgLatencyMs,
    totalLatencyMs,
    accessTokens: jobReport(job('accessTokens')),
    guestTokens: jobReport(job('guestTokens')),
    refreshes: jobReport(job('refreshes')),
    authentications: jobReport(job('authentications')),
    revoked: count('revoked'),
    signIns: {
      completed: count('completed'),
      failed: count('failed'),
      inDoubt: count('inDoubt'),
      lastResorts: count('lastResorts'),
      ended: count('ended'),
      signedOut: count('signedOut'),
    },
  }
}

function jobReport({ succeeded, failed, sumMs, longestMs, buckets }: JobTotals): JobReport {
  const totalRequests = succeeded + failed
  const quantile = (share: number): Millis =>
    tenth(quantileOf(share, { count: succeeded, longest: longestMs, inBucket: (bucket) => buckets[bucket] ?? 0 }))
  return {
    totalRequests,
    succeeded,
    failed,
    validityRatePercent: totalRequests === 0 ? 100 : tenth((100 * succeeded) / totalRequests),
    avgLatencyMs: succeeded === 0 ? 0 : tenth(sumMs / succeeded),
    totalLatencyMs: sumMs,
    p50LatencyMs: quantile(0.5),
    p99LatencyMs: quantile(0.99),
  }
}
