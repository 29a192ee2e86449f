import { SingleBar } from 'cli-progress'
import { visible } from '@guestpass/runtime'
import type { Sink, World } from './world.ts'

export interface Progress {
  /** Counts so many more as done; default 1. */
  add(count?: number): void
  /** Makes room for a line of text where the bar is; the bar is drawn again below it. */
  makeRoom(): void
  stop(): void
}

const nothing = (): void => undefined

/** A bar on standard error, where that is a terminal that can move its cursor. */
export function progress(world: World, title: string, total: number): Progress {
  const { stderr, env } = world
  if (!stderr.isTTY || env.TERM === 'dumb') return { add: nothing, makeRoom: nothing, stop: nothing }
  const stream = streamOf(stderr)
  const drawn = new SingleBar({
    format: `${visible(title)} {bar} {value}/{total}`,
    stream,
    // Neither is turned off, and nothing is coloured, so that the terminal is as it was on every way out, also after a kill.
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
  })
  drawn.start(total, 0)
  return {
    add: (count = 1) => drawn.increment(count),
    makeRoom: () => void stream.write('\r\u001B[K'),
    stop: () => drawn.stop(),
  }
}

/** What the bar uses of a stream. A bar that cannot be drawn is no failure. */
function streamOf(sink: Sink): NodeJS.WritableStream {
  const write = (text: string): boolean => {
    void Promise.resolve(sink.write(text)).catch(() => {})
    return true
  }
  const stream = {
    isTTY: true,
    get columns() {
      return sink.columns ?? 80
    },
    write,
  }
  return stream as unknown as NodeJS.WritableStream
}
