/** How long and how often to measure. */
export interface Pace {
  readonly rounds: number
  /** The time that one contender runs in one round, in milliseconds. */
  readonly sliceMs: number
}

/** One way to do the thing measured. */
export interface Contender {
  readonly name: string
  /** What exactly is called. */
  readonly calls: string
  /** `limit`: the bound that no contender can exceed. `aside`: shown, but does less than the others, so that it is not ranked. */
  readonly role: 'ours' | 'peer' | 'limit' | 'aside'
  /** Does it once, and answers at once or later. */
  once(at: number): unknown
  /** Looks at the answer, in the time measured; throws when it is not right. */
  take(answer: never): void
}

/** Does something so many times. */
type Run = (times: number) => void | Promise<void>

/** What came of a contender; `rounds` are rates per second, in the order of the rounds. */
export interface Rated extends Omit<Contender, 'once' | 'take'> {
  readonly perSecond: number
  readonly rounds: readonly number[]
}

const WARM_UP_MS = 400

/** One after the other, each awaited; who answers at once is not made to wait. */
export function oneAtATime({ once, take }: Contender): Run {
  if (!(once(0) instanceof Promise)) {
    return (times) => {
      for (let at = 0; at < times; at += 1) take(once(at) as never)
    }
  }
  return async (times) => {
    for (let at = 0; at < times; at += 1) take((await once(at)) as never)
  }
}

/** So many callers, each of which asks again when it has its answer. */
export const inFlight =
  (callers: number) =>
  ({ once, take }: Contender): Run =>
  async (times) => {
    let next = 0
    const caller = async (): Promise<void> => {
      while (next < times) {
        next += 1
        take((await once(next)) as never)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
  }

/**
 * Rates the contenders in alternation: every round gives each of them one slice of time, and each round begins with another
 * one, so that a change of the machine's load falls on all alike. The rate is the median of the rounds.
 */
export async function race(
  contenders: readonly Contender[],
  mode: (contender: Contender) => Run,
  pace: Pace,
): Promise<readonly Rated[]> {
  const entrants = []
  for (const contender of contenders) {
    const run = mode(contender)
    entrants.push({ contender, run, times: await warmUp(run, pace), rounds: [] as number[] })
  }
  for (let round = 0; round < pace.rounds; round += 1) {
    for (let turn = 0; turn < entrants.length; turn += 1) {
      const entrant = entrants[(round + turn) % entrants.length] as (typeof entrants)[number]
      // The garbage of one must not be swept in the time of the next.
      globalThis.gc?.()
      await entrant.run(Math.ceil(entrant.times / 10))
      entrant.rounds.push((entrant.times / (await timed(entrant.run, entrant.times))) * 1_000)
    }
  }
  return entrants.map(({ contender: { name, calls, role }, rounds }) => ({
    name,
    calls,
    role,
    perSecond: median(rounds),
    rounds,
  }))
}

/** Lets the compiler see the code, and answers how many times fill one slice. */
async function warmUp(run: Run, { sliceMs }: Pace): Promise<number> {
  const until = performance.now() + WARM_UP_MS
  let times = 1
  for (;;) {
    const took = await timed(run, times)
    const fill = Math.ceil((times * sliceMs) / Math.max(took, 0.001))
    if (performance.now() >= until) return fill
    times = Math.min(times * 2, fill)
  }
}

async function timed(run: Run, times: number): Promise<number> {
  const started = performance.now()
  await run(times)
  return performance.now() - started
}

/** How many times as fast one is as the other: the median of the rounds' ratios, which load on the machine moves little. */
export const ratio = (one: Rated, other: Rated): number =>
  median(one.rounds.map((rate, round) => rate / (other.rounds[round] as number)))

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
