import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../crash-tests/random.ts'
import type { Instance } from './instance.ts'

/** Kills and pauses of instances. */
export interface Disturbances {
  readonly counts: { kills: number; pauses: number }
  /** Runs something while one running instance is neither killed nor paused. */
  sparing<T>(work: (spared: Instance) => Promise<T>): Promise<T>
  /** Pauses an instance for so long, whatever else happens. Resolves when it goes on. */
  pauseLong(ms: number): Promise<void>
  /** Kills and pauses nothing any more. Resolves when the pauses have ended. */
  end(): Promise<void>
}

export interface DisturbanceOptions {
  /** Time between two of them, in milliseconds: from the first to the second. */
  readonly everyMs: readonly [number, number]
  /** How long an instance is paused, in milliseconds: from the first to the second. */
  readonly pauseMs: readonly [number, number]
}

interface State {
  readonly all: readonly Instance[]
  readonly counts: { kills: number; pauses: number }
  readonly pauses: Set<Promise<void>>
  readonly ending: AbortController
  spared: Instance | undefined
}

/** How often a running instance is looked for, in milliseconds. */
const LOOK_MS = 50

/** Kills or pauses an instance again and again, until it is ended. At most one is paused at a time. */
export function createDisturbances(
  all: readonly Instance[],
  random: SeededRandom,
  options: DisturbanceOptions,
): Disturbances {
  const counts = { kills: 0, pauses: 0 }
  const state: State = { all, counts, pauses: new Set(), ending: new AbortController(), spared: undefined }
  const running = disturb(state, random, options)
  return {
    counts,
    async sparing(work) {
      const spared = await runningInstance(all)
      state.spared = spared
      try {
        return await work(spared)
      } finally {
        state.spared = undefined
      }
    },
    async pauseLong(ms) {
      const instance = await runningInstance(all)
      counts.pauses += 1
      await track(state, instance.pause(ms))
    },
    async end() {
      state.ending.abort()
      await running
      await Promise.all(state.pauses)
    },
  }
}

async function runningInstance(all: readonly Instance[]): Promise<Instance> {
  for (;;) {
    const found = all.find((one) => one.isRunning())
    if (found) {
      await found.isListening()
      return found
    }
    await sleep(LOOK_MS)
  }
}

async function disturb(state: State, random: SeededRandom, { everyMs, pauseMs }: DisturbanceOptions): Promise<void> {
  const { all, counts, pauses, ending } = state
  const { signal } = ending
  while (!signal.aborted) {
    await sleep(random.between(...everyMs), undefined, { signal }).catch(() => {})
    const isPause = random.whole(1, 3) === 1
    const order = random.whole(0, 1) === 1 ? all : all.toReversed()
    const instance = order.find((one) => one.isRunning() && one !== state.spared)
    if (signal.aborted || !instance) continue
    if (isPause && pauses.size === 0) {
      counts.pauses += 1
      void track(state, instance.pause(random.between(...pauseMs), signal))
    } else {
      counts.kills += 1
      await instance.kill()
    }
  }
}

/** Lets `end` wait for a pause. */
async function track({ pauses }: State, pause: Promise<void>): Promise<void> {
  pauses.add(pause)
  await pause
  pauses.delete(pause)
}
