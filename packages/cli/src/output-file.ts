import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, type Stats, writeSync } from 'node:fs'
import { copyFile, type FileHandle, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuestpassError } from '@guestpass/core'

/** Where an output is written. */
interface OutputFile {
  /**
   * Resolves when the text was handed over; false when nothing reads it any more, as a pipe whose reader went
   * away. Rejects with `output_failed`.
   */
  write(text: string): Promise<boolean>
  /** Closes the file, which then has its name and all that was written. */
  close(): Promise<void>
  /** Ends it without that. */
  discard(): Promise<void>
}

const PRIVATE = 0o600
/** How often a pipe without a reader is tried again, in milliseconds. */
const POLL_MS = 100
/** How often one is looked at whose reader is slow. */
const FULL_MS = 5

const codeOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'unknown'

/**
 * Opens a file to write. A regular file is replaced when its successor is whole, and keeps its mode; a new
 * one is its owner's alone. Links are followed. What is no regular file (a device, a pipe) is written into,
 * and so is what is in /dev or /proc, and a file in a folder that cannot be written. Rejects with
 * `invalid_input` where it cannot be opened.
 */
export async function openOutputFile(path: string, signal: AbortSignal, field = 'output'): Promise<OutputFile> {
  try {
    const real = await resolveLinks(path)
    const found = await stat(real).catch(() => undefined)
    if (found?.isFIFO()) return await openPipe(real, path, signal)
    if (/^\/(dev|proc)\//.test(path) || (found && !found.isFile())) return inPlace(await open(path, 'a'), path)
    return await createReplacement(real, path, found)
  } catch (thrown) {
    if (thrown instanceof GuestpassError || signal.aborted) throw thrown
    const code = codeOf(thrown)
    const why =
      { ENOENT: ': its folder does not exist', EISDIR: ': it is a folder', ELOOP: ': its links lead in a circle' }[
        code
      ] ?? ''
    const message = `the file cannot be written (${code}${why})`
    const remedy = 'Give the path of a file in a folder that can be written.'
    const fields = [{ field, message, remedy }]
    throw new GuestpassError('invalid_input', `${field}: ${message}.`, { fields, cause: thrown })
  }
}

/**
 * Where links lead, also to a file that is not there yet. Rejects with what the system says, as for links in
 * a circle.
 */
async function resolveLinks(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown
    const link = await readlink(path).catch(() => undefined)
    return link === undefined ? path : resolveLinks(resolve(dirname(path), link))
  }
}

const writeFailure = (path: string, thrown: unknown): GuestpassError => {
  const code = codeOf(thrown)
  const why = code === 'ENOSPC' ? ': the disk is full. Make room on it' : ''
  return new GuestpassError('output_failed', `${path} could not be written (${code})${why}.`, { cause: thrown })
}

const appendTo =
  (file: FileHandle, path: string) =>
  async (text: string): Promise<boolean> => {
    try {
      await file.appendFile(text)
      return true
    } catch (thrown) {
      if (codeOf(thrown) === 'EPIPE') return false
      throw writeFailure(path, thrown)
    }
  }

const inPlace = (file: FileHandle, path: string): OutputFile => ({
  write: appendTo(file, path),
  close: () => file.close(),
  discard: () => file.close().catch(() => {}),
})

/** A file beside the one that is meant, which takes its name in the end. */
async function createReplacement(real: string, path: string, found: Stats | undefined): Promise<OutputFile> {
  const part = `${real}.${randomUUID()}.part`
  const mode = found ? found.mode & 0o777 : PRIVATE
  const file = await open(part, 'wx', mode).catch((thrown: unknown) => {
    // The folder is not this user's to write, but the file may be.
    if (found && ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(thrown))) return undefined
    throw thrown
  })
  if (!file) return inPlace(await open(real, 'w'), path)
  const discard = async (): Promise<void> => {
    await file.close().catch(() => {})
    await rm(part, { force: true })
  }
  return {
    write: appendTo(file, path),
    discard,
    async close() {
      try {
        await file.sync()
        await file.close()
        // A file that is mounted by itself cannot be renamed over.
        await rename(part, real).catch(async (thrown: unknown) => {
          if (codeOf(thrown) !== 'EBUSY') throw thrown
          await copyFile(part, real)
        })
      } catch (thrown) {
        throw writeFailure(path, thrown)
      } finally {
        await discard()
      }
    },
  }
}

/** A named pipe. Opening or writing it in the usual way would block the process while there is no reader. */
async function openPipe(real: string, path: string, signal: AbortSignal): Promise<OutputFile> {
  const file = await waitForReader(real, signal)
  async function write(text: string): Promise<boolean> {
    for (let rest: Uint8Array = Buffer.from(text); rest.length > 0; ) {
      try {
        rest = rest.subarray(writeSync(file, rest))
      } catch (thrown) {
        if (codeOf(thrown) === 'EPIPE') return false
        if (codeOf(thrown) !== 'EAGAIN') throw writeFailure(path, thrown)
        await sleep(FULL_MS, undefined, { signal })
      }
    }
    return true
  }
  const close = async (): Promise<void> => closeSync(file)
  return { write, close, discard: close }
}

async function waitForReader(path: string, signal: AbortSignal): Promise<number> {
  while (true) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENXIO') throw thrown
      await sleep(POLL_MS, undefined, { signal })
    }
  }
}
