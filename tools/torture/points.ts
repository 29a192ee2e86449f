import type { Refreshing } from './refresh-traffic.ts'

/** The instants of a refresh at which a worker can be made to die or to stand still, in their order. */
export const points = [
  'before-intent-commit',
  'after-intent-commit',
  'before-send',
  'after-send',
  'while-running',
  'after-answer',
  'before-tokens-commit',
  'after-tokens-commit',
] as const

export type Point = (typeof points)[number]

/** A worker's end at a point: the first, second, … time that it comes there. */
export interface Ambush {
  readonly point: Point
  /** Counts from 1. */
  readonly nth: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What a worker says on standard error just before the signal. */
export const SIGN = 'torture: reached '

/** What a worker that tells says on standard error at each point, and what in place of a point once a refresh has failed. */
export const AT = 'torture: at '
export const OVER = 'over'

export interface AmbushOptions {
  /** Default `guest`. */
  readonly of?: Refreshing
  /** Says of each point when it is there; default it does not. */
  readonly tells?: boolean
  /** Default the source. */
  readonly program?: URL
}

/** The module that lays the ambush in a process that is started with `--import`; `nth` 0: it only tells. */
export function ambushModule({ point, nth, signal }: Ambush, options: AmbushOptions = {}): string {
  const { of = 'guest', tells = false, program = new URL('./ambush.ts', import.meta.url) } = options
  const module = new URL(program)
  module.search = new URLSearchParams({ point, nth: String(nth), signal, of, tells: String(tells) }).toString()
  return module.href
}

/** The module that breaks the rule of one Idempotency-Key per refresh: the seeded bug that the suite must catch. */
export const freshKeyModule: string = new URL('./fresh-key.ts', import.meta.url).href
