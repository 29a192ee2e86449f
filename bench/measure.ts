import { type Figures, shown } from './figures.ts'
import type { Pace } from './race.ts'

/** What a measure's process tells the one that started it. */
export interface Told {
  readonly figures: readonly Figures[]
}

const thorough: Pace = { rounds: 75, sliceMs: 25 }
const quick: Pace = { rounds: 9, sliceMs: 20 }

/**
 * Runs a measure in a process of its own, so that the code of one measure is not compiled for the needs of another. Started
 * alone (`node bench/p1-cached-token.ts [--quick]`, for a profile), it prints what it found.
 */
export async function measure(run: (pace: Pace) => Promise<readonly Figures[]>): Promise<void> {
  const found = await run(process.argv.includes('--quick') ? quick : thorough)
  if (process.send) process.send({ figures: found } satisfies Told)
  else console.log(found.map(shown).join('\n'))
}
