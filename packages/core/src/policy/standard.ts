import { millisOrInfinity, object } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { type AccessSource, authorize, withoutAuthorization } from './authorize.ts'
import { breaker, breakerSchema, type BreakerOptions } from './breaker.ts'
import { createRetryBudget, budgetSchema, type BudgetOptions } from './retry-budget.ts'
import { deadline } from './deadline.ts'
import { limit, limitSchema, type LimitOptions } from './limit.ts'
import type { PermitStore } from './permit-source.ts'
import { pipeline, type Policy } from './pipeline.ts'
import { retry, retrySchema, type RetryOptions } from './retry.ts'
import { timeout } from './timeout.ts'

/** How calls to the upstream are limited, timed out and retried. */
export interface PolicyOptions {
  /**
   * The longest time of a call with all its tries and waits. Milliseconds, or Infinity; default 30 s. A longer
   * call rejects with `deadline_exceeded`.
   */
  readonly deadlineMs?: Millis
  /** The longest time of one try. Milliseconds, or Infinity; default 10 s. */
  readonly timeoutMs?: Millis
  /** How many times, and after which back-off, a failed try is repeated. Default: 3 retries. */
  readonly retry?: Omit<RetryOptions, 'budget'>
  /** How many retries all calls may use together. Default: 20, and one more for each second and each 5 calls. */
  readonly budget?: BudgetOptions
  /** The rate limit that tries keep to. Default: 300 a minute, at most 10 at once. */
  readonly limit?: LimitOptions
  /**
   * When the circuit breaker stops calls to a failing upstream. Default: when half of at least 10 tries within
   * 30 s failed.
   */
  readonly breaker?: BreakerOptions
}

export const standardSchema = object<PolicyOptions>({
  deadlineMs: millisOrInfinity,
  timeoutMs: millisOrInfinity,
  retry: retrySchema,
  budget: budgetSchema,
  limit: limitSchema,
  breaker: breakerSchema,
})

interface StandardPorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: PermitStore
}

/** The layers outside and inside the place of `authorize`. */
export interface StandardLayers {
  readonly outer: readonly Policy[]
  readonly inner: readonly Policy[]
}

/**
 * Makes the layers of every call to the upstream, outermost first: deadline, retry | limiter, breaker,
 * time-out. Calls that need an access token get it between the two halves. The deadline bounds everything;
 * every try takes a permit; the breaker sees only what the upstream did, never a refusal of this library; the
 * time-out bounds one try. Pipelines of the same layers share their budgets, limits and circuits. Throws
 * `config_invalid` for options out of range.
 */
export function standardLayers(options: PolicyOptions, { clock, random, store }: StandardPorts): StandardLayers {
  const { deadlineMs = 30 * SECOND, timeoutMs = 10 * SECOND } = options
  return {
    outer: [
      deadline(deadlineMs, { clock }),
      retry({ ...options.retry, budget: createRetryBudget(options.budget ?? {}, { clock }) }, { clock, random }),
    ],
    inner: [
      limit(options.limit ?? {}, { clock, store }),
      breaker(options.breaker ?? {}, { clock }),
      timeout(timeoutMs, { clock }),
    ],
  }
}

/**
 * The standard layers as one pipeline, with the access tokens of `access` when it is given. Its calls reject
 * with `GuestpassError` or with the reason of the caller's abort.
 */
export const standardPolicy = ({ outer, inner }: StandardLayers, access?: AccessSource): Policy =>
  pipeline(...outer, access ? authorize(access) : withoutAuthorization, ...inner)
