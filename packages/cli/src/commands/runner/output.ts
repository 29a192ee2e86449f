import { GuestpassError } from '@guestpass/core'
import type { OutputStream } from './host-process.ts'
import { type Line, renderedLine } from './styled-line.ts'

/** Standard output or standard error. Everything that is printed goes through it. */
export interface Output {
  /**
   * Prints a line; characters that a terminal would act on are escaped. Rejects with `output_failed` when it
   * cannot be written.
   */
  line(line: Line): Promise<void>
  /** Prints lines without waiting. `settled` reports a failure. */
  lines(lines: readonly Line[]): void
  /**
   * Waits until everything is written. Gives `output_failed` if that failed; a reader that ended early, as
   * `head` does, is no failure.
   */
  settled(): Promise<GuestpassError | undefined>
}

interface OutputParts {
  readonly sink: OutputStream
  /** As messages name it. */
  readonly name: string
  readonly isColoured: boolean
  /** Is called once, when the reader is gone or writing failed. */
  readonly onBroken?: () => void
}

/** Creates an output. */
export function createOutput({ sink, name, isColoured, onBroken = () => {} }: OutputParts): Output {
  let last: Promise<void> = Promise.resolve()
  let broken = false
  let failure: GuestpassError | undefined

  async function written(text: string): Promise<void> {
    // What follows a failure would leave a gap.
    if (broken) return
    try {
      await sink.write(text)
    } catch (thrown) {
      if (broken) return
      broken = true
      failure = outputFailure(thrown, name)
      onBroken()
    }
  }
  function write(lines: readonly Line[]): Promise<void> {
    const text = lines.map((one) => `${renderedLine(one, isColoured)}\n`).join('')
    if (text !== '') last = Promise.all([last, written(text)]).then(() => undefined)
    return last
  }
  return {
    lines: (lines) => void write(lines),
    async line(line) {
      await write([line])
      if (failure) throw failure
    },
    async settled() {
      await last
      return failure
    },
  }
}

const writeFailures: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Make room on it',
  EDQUOT: 'the quota of this user is used up. Make room',
  EFBIG: 'the file may not become larger. Raise the limit, or write elsewhere',
  EIO: 'the terminal or disk is gone',
}

function outputFailure(thrown: unknown, name: string): GuestpassError | undefined {
  const { code = 'unknown' } = (thrown ?? {}) as NodeJS.ErrnoException
  if (code === 'EPIPE') return undefined
  const why = writeFailures[code] ?? 'the system refused'
  return new GuestpassError('output_failed', `${name} could not be written (${code}): ${why}.`, { cause: thrown })
}
