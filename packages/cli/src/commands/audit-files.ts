import { resolve } from 'node:path'
import { type Checkpoint, GuestpassError } from '@guestpass/core'
import { readCheckpointLine } from '@guestpass/core/runtime-kit'
import { NotText } from '@guestpass/core/node'
import { fileReadFault } from '@guestpass/runtime'
import { fileLines } from '../input-text.ts'
import type { Cli } from './runner/command.ts'

const unusable = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field}: ${message.replace(/\.$/, '')}.`, {
    fields: [{ field, message, remedy }],
  })

/**
 * The lines of a file; `-` is standard input. Rejects with `invalid_input`, naming the argument, when it
 * cannot be read.
 */
export async function* linesGiven(file: string, field: string, cli: Cli): AsyncGenerator<string> {
  if (file === '-') {
    yield* (await cli.input()).split('\n')
    return
  }
  try {
    let line = 0
    for await (const { text, fault } of fileLines(resolve(cli.hostProcess.cwd, file))) {
      line += 1
      if (fault !== undefined) throw new NotText(fault, line)
      yield text
    }
  } catch (thrown) {
    const { message, remedy } = fileReadFault(thrown)
    throw unusable(field, `the file ${message}`, remedy)
  }
}

/** Repeats an export once if records were removed meanwhile. */
export const exportAgainIfBusy = <T>(work: () => Promise<T>): Promise<T> =>
  work().catch((thrown: unknown) => {
    if (thrown instanceof GuestpassError && thrown.code === 'store_busy') return work()
    throw thrown
  })

/** The checkpoints in a file: one, several on lines of their own, or an export, which ends with one. */
export async function checkpointsIn(file: string, cli: Cli): Promise<readonly Checkpoint[]> {
  const found: Checkpoint[] = []
  let at = 0
  for await (const line of linesGiven(file, 'checkpoint', cli)) {
    at += 1
    if (line.trim() === '') continue
    const read = readCheckpointLine(line)
    if ('fault' in read) throw unusable('checkpoint', `line ${at} of the file is no checkpoint. ${read.fault}`, GIVE)
    if (read.checkpoint) found.push(read.checkpoint)
  }
  if (found.length > 0) return found
  throw unusable('checkpoint', 'the file holds no checkpoint', GIVE)
}

const GIVE = 'Give a file that `guestpass audit checkpoint` or `guestpass audit export` wrote.'
