import type { Refreshing } from './refresh-traffic.ts'

/** The instants of a refresh at which a worker can be killed or stopped, in their order. */
export const failPoints = [
  'before-intent-commit',
  'after-intent-commit',
  'before-send',
  'after-send',
  'while-running',
  'after-answer',
  'before-tokens-commit',
  'after-tokens-commit',
] as const

export type FailPoint = (typeof failPoints)[number]

/** A signal that a worker sends to itself at a fail point, when it reaches that for the nth time. */
export interface Injection {
  readonly point: FailPoint
  /** Counts from 1. */
  readonly nth: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What a worker prints on standard error just before the signal. */
export const REACHED = 'fail point: reached '

/** What a tracing worker prints on standard error at each fail point, and in place of a point once a refresh has failed. */
export const AT_POINT = 'fail point: at '
export const OVER = 'over'

export interface InjectionOptions {
  /** Default `guest`. */
  readonly of?: Refreshing
  /** Prints each fail point that it reaches. Default false. */
  readonly traces?: boolean
  /** Default the source. */
  readonly program?: URL
}

/** The module that injects the signal into a process started with `--import` of it. `nth` 0: it only traces. */
export function injectionModule({ point, nth, signal }: Injection, options: InjectionOptions = {}): string {
  const { of = 'guest', traces = false, program = new URL('./fail-point-injection.ts', import.meta.url) } = options
  const module = new URL(program)
  module.search = new URLSearchParams({ point, nth: String(nth), signal, of, traces: String(traces) }).toString()
  return module.href
}

/** The module that breaks the rule of one Idempotency-Key per refresh: the seeded bug that the suite must catch. */
export const freshKeyModule: string = new URL('./fresh-key.ts', import.meta.url).href
