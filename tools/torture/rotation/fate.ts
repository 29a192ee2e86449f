import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from '../crew.ts'
import type { Luck } from '../luck.ts'
import { AT, ambushModule, type Point } from '../points.ts'

/** How a worker comes to its end: when it is at that point for the first, second, … time. */
export interface Fate {
  readonly point: Point
  readonly nth: number
  /** Killed by us so many milliseconds after we heard of it; absent: by itself, at the very instant. */
  readonly afterMs?: number
}

/** More of those at which the answer is under way or not yet kept. */
const point = (luck: Luck): Point =>
  luck.weighted<Point>([
    [1, 'before-intent-commit'],
    [1, 'after-intent-commit'],
    [1, 'before-send'],
    [2, 'after-send'],
    [2, 'while-running'],
    [2, 'after-answer'],
    [2, 'before-tokens-commit'],
    [1, 'after-tokens-commit'],
  ])

/** Refreshes that a worker gets to, and how long upstream works at most times; milliseconds. */
const MOST_REFRESHES = 6
const LONGEST_MS = 10
/** How long a worker may take to meet its fate: a dead one's lease keeps it waiting, or a sign-in that has ended. */
const PATIENCE_MS = 12_000

export function fate(luck: Luck): Fate {
  const at = { point: point(luck), nth: luck.whole(1, MOST_REFRESHES) }
  const afterMs = luck.between(0, LONGEST_MS)
  return luck.whole(0, 1) === 1 ? at : { ...at, afterMs }
}

/** The module with which a worker of this fate is started; `program`: the ambush to use. */
export const moduleOf = ({ point, nth, afterMs }: Fate, program: URL): string =>
  ambushModule(
    { point, nth: afterMs === undefined ? nth : 0, signal: 'SIGKILL' },
    { of: 'grant', tells: true, program },
  )

/** Resolves when the worker is dead, or is to be killed now. */
export async function met({ point, nth, afterMs }: Fate, { child, ended }: Worker): Promise<void> {
  const reached = Promise.withResolvers<void>()
  let said = ''
  child.stderr?.on('data', (text: string) => {
    said += text
    if (said.split(`${AT}${point}\n`).length > nth) reached.resolve()
  })
  const fated = afterMs === undefined ? ended : reached.promise.then(() => sleep(afterMs))
  await Promise.race([ended, fated, sleep(PATIENCE_MS, undefined, { ref: false })])
}
