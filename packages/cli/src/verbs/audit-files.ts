import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Checkpoint, GuestpassError, keptLine } from '@guestpass/core'
import type { Cli } from '../frame/verb.ts'
import { linesOf } from '../lines.ts'

const unusable = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field}: ${message.replace(/\.$/, '')}.`, {
    fields: [{ field, message, remedy }],
  })

/** The lines of a file; `-` is standard input. Rejects with `invalid_input`, naming the argument, when it cannot be read. */
export async function* linesGiven(file: string, field: string, cli: Cli): AsyncGenerator<string> {
  if (file === '-') {
    yield* (await cli.input()).split('\n')
    return
  }
  try {
    yield* linesOf(resolve(cli.world.cwd, file))
  } catch (thrown) {
    const { code = 'unknown' } = thrown as NodeJS.ErrnoException
    throw unusable(field, `the file cannot be read (${code})`, 'Give the path of a file that can be read.')
  }
}

/** The checkpoints in a file: one, several on lines of their own, or an export, which ends with one. */
export async function checkpointsIn(file: string, cli: Cli): Promise<readonly Checkpoint[]> {
  const found: Checkpoint[] = []
  let at = 0
  for await (const line of linesGiven(file, 'checkpoint', cli)) {
    at += 1
    if (line.trim() === '') continue
    const read = keptLine(line)
    if ('fault' in read) throw unusable('checkpoint', `line ${at} of the file is no checkpoint. ${read.fault}`, GIVE)
    if (read.checkpoint) found.push(read.checkpoint)
  }
  if (found.length > 0) return found
  throw unusable('checkpoint', 'the file holds no checkpoint', GIVE)
}

const GIVE = 'Give a file that `guestpass audit checkpoint` or `guestpass audit export` wrote.'

/** Writes values as lines of JSON to a file, which is there when it is whole; says how many. */
export async function writtenTo(file: string, values: AsyncIterable<unknown>, cli: Cli): Promise<number> {
  const path = resolve(cli.world.cwd, file)
  const part = `${path}.part`
  const handle = await open(part, 'w', 0o600).catch((thrown: NodeJS.ErrnoException) => {
    throw unusable(
      'output',
      `the file cannot be written (${thrown.code})`,
      'Give the path of a file in a folder that can be written.',
    )
  })
  try {
    let lines = 0
    for await (const value of values) {
      await handle.write(`${JSON.stringify(value)}\n`)
      lines += 1
    }
    await handle.sync()
    await handle.close()
    await rename(part, path)
    return lines
  } catch (thrown) {
    await handle.close().catch(() => {})
    await rm(part, { force: true })
    throw thrown
  }
}
