import { SingleBar } from 'cli-progress'
import type { World } from './world.ts'

export interface Progress {
  /** Counts so many more as done; default 1. */
  add(count?: number): void
  stop(): void
}

/** Whether a terminal's text may be coloured (no-color.org). */
const coloured = ({ env }: World): boolean => !env.NO_COLOR && env.TERM !== 'dumb'

/** A bar on standard error, where that is a terminal. */
export function progress(world: World, title: string, total: number): Progress {
  if (!world.stderr.isTTY) return { add: () => undefined, stop: () => undefined }
  const bar = coloured(world) ? '\u001B[36m{bar}\u001B[39m' : '{bar}'
  const drawn = new SingleBar({
    format: `${title} ${bar} {value}/{total}`,
    // On a terminal the sink is the process's own stream.
    stream: world.stderr as NodeJS.WritableStream,
    hideCursor: true,
    gracefulExit: false,
  })
  drawn.start(total, 0)
  return { add: (count = 1) => drawn.increment(count), stop: () => drawn.stop() }
}
