import { type Found, foundShown } from './found.ts'
import { measured, refuseStale } from './packages.ts'
import type { Pace } from './race.ts'

/** The message of a measure's process to the process that started it. */
export interface MeasureResult {
  readonly figures: readonly Found[]
}

/** Fewer and shorter rounds, to see that it works. */
export const isQuick = process.argv.includes('--quick')

const thorough: Pace = { rounds: 75, sliceMs: 25 }
const quick: Pace = { rounds: 9, sliceMs: 20 }

/**
 * Runs a measure in a process of its own, so that the code of one measure is not compiled for the needs of another. Started
 * alone (`node bench/p1-cached-token.ts [--quick]`, for a profile), it prints what it found; it measures what the last `npm run bench`
 * did.
 */
export async function measure(run: (pace: Pace) => Promise<readonly Found[]>): Promise<void> {
  if (!process.send) {
    refuseStale()
    console.error(`Measured are the ${measured()}.`)
  }
  const found = await run(isQuick ? quick : thorough)
  if (process.send) process.send({ figures: found } satisfies MeasureResult)
  else console.log(found.map(foundShown).join('\n'))
}
