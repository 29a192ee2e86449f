import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { GuestpassError } from '@guestpass/core'

/** What was imported of a file, kept beside it, so that an import that was cut short goes on where it was. It holds no personal data. */
export interface Journal {
  /** Whether a row was done before. */
  isDone(line: number): boolean
  /** The guest id with which a row was begun before and not ended; true when it was begun without one. */
  begun(line: number): string | true | undefined
  begin(line: number, guestId: string | undefined): void
  done(line: number): void
  close(): void
}

/** The first line: which file was imported, and how. */
interface Head {
  readonly file: string
  readonly api: string
  readonly connection: string
}

const NEWLINE = 0x0a

type Entry = { readonly begin: number; readonly guestId?: string } | { readonly done: number }

export const journalPath = (file: string): string => `${file}.import`

/** The digest by which a file is known again. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

/** Opens the journal of a file, or begins one. Rejects with `invalid_input` when it is of another file, API or connection. */
export async function journal(path: string, head: Head): Promise<Journal> {
  const { done, begun } = await read(path, head)
  const file = openSync(path, 'a', 0o600)
  const write = (entry: Head | Entry): void => void writeSync(file, `${JSON.stringify(entry)}\n`)
  const before = await readFile(path)
  if (before.length === 0) write(head)
  // What is written next would be lost with a line that was cut off.
  else if (before.at(-1) !== NEWLINE) writeSync(file, '\n')
  return {
    isDone: (line) => done.has(line),
    begun: (line) => begun.get(line),
    begin: (line, guestId) => write({ begin: line, ...(guestId === undefined ? {} : { guestId }) }),
    done: (line) => write({ done: line }),
    close: () => closeSync(file),
  }
}

async function read(path: string, head: Head) {
  const done = new Set<number>()
  const begun = new Map<number, string | true>()
  let first = true
  for await (const text of linesOf(path)) {
    const entry = parsed(text)
    if (first) refuseOther(path, entry as Partial<Head>, head)
    first = false
    if (entry && 'done' in entry) {
      done.add(entry.done)
      begun.delete(entry.done)
    } else if (entry && 'begin' in entry) begun.set(entry.begin, entry.guestId ?? true)
  }
  return { done, begun }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(path, 'utf8') })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

/** The last line may have been cut off by a kill; then it says nothing. */
function parsed(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry
  } catch {
    return undefined
  }
}

function refuseOther(path: string, found: Partial<Head> | undefined, head: Head): void {
  const differing = (['file', 'api', 'connection'] as const).find((member) => found?.[member] !== head[member])
  if (!differing) return
  const message =
    differing === 'file'
      ? 'the file was changed since its import began'
      : `its import began with another ${differing} (${String(found?.[differing])})`
  const remedy = `Bring back what it was to go on, or remove ${path} to begin anew: rows that were done would be done again.`
  throw new GuestpassError('invalid_input', `${message}.`, { fields: [{ field: 'file', message, remedy }] })
}
