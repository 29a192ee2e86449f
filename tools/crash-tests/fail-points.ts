import type { Refreshing } from './refresh-traffic.ts'

/** The instants of a refresh at which a worker can be killed or paused, in their order. */
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

/** The signal that a worker sends to itself when it reaches a fail point for the nth time. */
export interface Injection {
  readonly point: FailPoint
  /** Counts from 1. */
  readonly nth: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What each line about a fail point begins with, on standard error. */
export const LINE_START = 'fail point:'
/** What a worker prints just before the signal. */
export const REACHED = `${LINE_START} reached `

/** What a tracing worker prints at each fail point. */
export const AT_POINT = `${LINE_START} at `
/** It prints this in place of a point once a refresh has failed. */
export const OVER = 'over'

interface InjectionOptions {
  /** Default `guest`. */
  readonly of?: Refreshing
  /** Prints each fail point that it reaches. Default false. */
  readonly traces?: boolean
  /** Default the source. */
  readonly program?: URL
}

/** The URL of a module for `--import`, which sends the signal to its process. `nth` 0: it only traces. */
export function injectionModule({ point, nth, signal }: Injection, options: InjectionOptions = {}): string {
  const { of = 'guest', traces = false, program = new URL('./fail-point-injection.ts', import.meta.url) } = options
  const module = new URL(program)
  module.search = new URLSearchParams({ point, nth: String(nth), signal, of, traces: String(traces) }).toString()
  return module.href
}

/**
 * The URL of a module for `--import` with a seeded bug: a refresh takes a new Idempotency-Key for each try.
 */
export const freshKeyModule: string = new URL('./fresh-key.ts', import.meta.url).href
