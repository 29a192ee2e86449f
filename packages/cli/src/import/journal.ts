import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { GuestpassError } from '@guestpass/core'
import { linesOf } from '../lines.ts'
import { appended, unusable } from './appended.ts'

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
  const file = appended(path)
  const write = (entry: Head | Entry): void => file.write(`${JSON.stringify(entry)}\n`)
  if (file.isNew) write(head)
  return {
    isDone: (line) => done.has(line),
    begun: (line) => begun.get(line),
    begin: (line, guestId) => write({ begin: line, ...(guestId === undefined ? {} : { guestId }) }),
    done: (line) => write({ done: line }),
    close: file.close,
  }
}

async function read(path: string, head: Head) {
  const done = new Set<number>()
  const begun = new Map<number, string | true>()
  let first = true
  for await (const text of written(path)) {
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

/** What stands in it so far; nothing where it is not there yet. */
async function* written(path: string): AsyncGenerator<string> {
  try {
    yield* linesOf(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, thrown)
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
