import { checkOptions, number, record } from '../domain/options.ts'
import { SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { lanes } from './lanes.ts'

export interface BudgetOptions {
  /** Repeats that each request allows, 0 to 1; default 0.2. */
  readonly perRequest?: number
  /** Repeats that each second allows whatever the traffic, so that a quiet connection may repeat too; default 1. */
  readonly perSecond?: number
  /** Repeats that can be saved up, at least 1; a connection begins with that many. Default 20. */
  readonly most?: number
}

export const budgetKind = record<BudgetOptions>({ perRequest: number(0, 1), perSecond: number(0), most: number(1) })

/** How much may be repeated on a connection, so that repeats do not bury an upstream that is failing. */
export interface Budget {
  /** A request was asked for. */
  deposit(connection: string): void
  /** True when a repeat may be made; it is then paid for. */
  withdraw(connection: string): boolean
}

/** A budget in this process: one balance per connection, at most 1 000 connections at a time. */
export function budget(options: BudgetOptions, { clock }: { readonly clock: Clock }): Budget {
  checkOptions('budget', ['budget', options, budgetKind])
  const { perRequest = 0.2, perSecond = 1, most = 20 } = options
  const accounts = lanes(() => ({ balance: most, at: clock.monotonic() }))

  const add = (connection: string, amount: number): { balance: number } => {
    const account = accounts({ connection, lane: '' })
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
