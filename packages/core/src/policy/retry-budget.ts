import { checkOptions, number, object } from '../domain/options.ts'
import { SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { createKeyedStates } from './keyed-states.ts'

/** How many retries a connection may make. */
export interface BudgetOptions {
  /** Retries that each request adds to the balance, from 0 to 1. Default 0.2. */
  readonly perRequest?: number
  /** Retries that each second adds, so that a quiet connection may retry too; at least 0. Default 1. */
  readonly perSecond?: number
  /** The largest balance, and the one that a connection starts with; at least 1. Default 20. */
  readonly most?: number
}

export const budgetSchema = object<BudgetOptions>({ perRequest: number(0, 1), perSecond: number(0), most: number(1) })

/** Limits the retries of a connection, so that they do not overload an upstream that fails. */
export interface RetryBudget {
  /** Adds `perRequest` to the balance of a connection, for a request that is not a retry. */
  deposit(connection: string): void
  /** Takes one retry from the balance. False if there is none: the call must not be repeated. */
  withdraw(connection: string): boolean
}

/** Creates a budget in this process: one balance for each connection, at most 1000 connections at a time. */
export function createRetryBudget(options: BudgetOptions, { clock }: { readonly clock: Clock }): RetryBudget {
  checkOptions('budget', ['budget', options, budgetSchema])
  const { perRequest = 0.2, perSecond = 1, most = 20 } = options
  const accounts = createKeyedStates(() => ({ balance: most, at: clock.monotonic() }))

  const add = (connection: string, amount: number): { balance: number } => {
    const account = accounts(connection, '')
    const now = clock.monotonic()
    const accrued = ((now - account.at) / SECOND) * perSecond
    account.balance = Math.min(most, account.balance + accrued + amount)
    account.at = now
    return account
  }

  return {
    deposit(connection) {
      add(connection, perRequest)
    },
    withdraw(connection) {
      const account = add(connection, 0)
      if (account.balance < 1) return false
      account.balance -= 1
      return true
    },
  }
}
