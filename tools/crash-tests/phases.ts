import { AT_POINT, OVER, type FailPoint } from './fail-points.ts'

/** The phases of a refresh in which a worker can die, in their order, and two outside of a refresh. */
export const phases = [
  'before the intent',
  'between intent and send',
  'while upstream works',
  'between answer and commit',
  'in the commit',
  'after the commit',
  'after a failure',
  'before its first refresh',
] as const

export type Phase = (typeof phases)[number]

/** The phase that begins at each point. */
const phaseFrom: Readonly<Record<FailPoint | typeof OVER, Phase>> = {
  'before-intent-commit': 'before the intent',
  'after-intent-commit': 'between intent and send',
  'before-send': 'between intent and send',
  'after-send': 'while upstream works',
  'while-running': 'while upstream works',
  'after-answer': 'between answer and commit',
  'before-tokens-commit': 'in the commit',
  'after-tokens-commit': 'after the commit',
  [OVER]: 'after a failure',
}

/** The phase in which a worker died, from its trace on standard error. */
export function phaseOf(trace: string): Phase {
  const last = trace.slice(trace.lastIndexOf(AT_POINT) + AT_POINT.length).split('\n', 1)[0] as keyof typeof phaseFrom
  return trace.includes(AT_POINT) ? phaseFrom[last] : 'before its first refresh'
}

/** The phases in which the intent is stored and the tokens are not. */
export const unresolvedPhases: readonly Phase[] = phases.slice(1, 5)
