import { escapeForTerminal } from '@guestpass/runtime'
import type { OutputStream, HostProcess } from './host-process.ts'

export interface ProgressBar {
  /** Counts so many more as done; default 1. */
  add(count?: number): void
  /** Shows a text after the bar in place of the former one. Default: none. */
  show(text: string): void
  /** Makes room for a line of text where the bar is; the bar is drawn again below it. */
  makeRoom(): void
  stop(): void
}

const noop = (): void => undefined

/** A bar on standard error, where that is a terminal that can move its cursor. */
export async function createProgressBar(hostProcess: HostProcess, title: string, total: number): Promise<ProgressBar> {
  const { stderr, env } = hostProcess
  if (!stderr.isTTY || env.TERM === 'dumb') return { add: noop, show: noop, makeRoom: noop, stop: noop }
  // Loaded only here, so that commands without a bar start sooner.
  const { SingleBar } = await import('cli-progress')
  const stream = streamOf(stderr)
  const drawn = new SingleBar({
    format: `${escapeForTerminal(title)} {bar} {value}/{total}{facts}`,
    stream,
    barsize: 24,
    // Neither is turned off, and nothing is coloured, so that the terminal is as it was on every way out,
    // also after a kill.
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
  })
  drawn.start(total, 0, { facts: '' })
  return {
    add: (count = 1) => drawn.increment(count),
    show: (text) => drawn.update({ facts: `  ${escapeForTerminal(text)}` }),
    makeRoom: () => void stream.write('\r\u001B[K'),
    stop: () => drawn.stop(),
  }
}

/** What the bar uses of a stream. A bar that cannot be drawn is no failure. */
function streamOf(sink: OutputStream): NodeJS.WritableStream {
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
