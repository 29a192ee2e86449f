import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { GuestpassError } from '@guestpass/core'
import { fileLines } from '../input-text.ts'
import { openAppendFile, fileError } from './append-file.ts'

/** How a row was begun, and not done so far. */
interface StartedRow {
  /** Joins the events of the row's request; absent in journals of earlier versions. */
  readonly request?: string
  readonly guestId?: string
  /** It failed, and may be tried again; otherwise it was cut off, and how it ended is not known. */
  readonly failed?: true
}

/**
 * What was imported of a file, kept beside it, so that an import that was cut short goes on where it was. It
 * holds no personal data.
 */
export interface Journal {
  /** Whether a row's guest was issued before. */
  isDone(line: number): boolean
  started(line: number): StartedRow | undefined
  /** Rows that were cut off, by line, and where the audit log ended before the first of them. */
  readonly interrupted: { readonly since: number; readonly rows: ReadonlyMap<number, StartedRow> }
  /** Where the audit log ends now: rows that begin later have their events after it. */
  position(count: number): void
  begin(line: number, begun: StartedRow): void
  done(line: number): void
  failed(line: number, code: string): void
  close(): void
}

/** The first line: which file was imported, and how. */
interface JournalHeader {
  readonly file: string
  readonly api: string
  readonly connection: string
}

type Entry =
  | { readonly at: number }
  | { readonly begin: number; readonly request?: string; readonly guestId?: string }
  | { readonly done: number }
  | { readonly failed: number; readonly code: string }

export const journalPath = (file: string): string => `${file}.import`

/** The digest by which a file is known again. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

/**
 * Opens the journal of a file, or begins one. Rejects with `invalid_input` when it is of another file, API or
 * connection.
 */
export async function openJournal(path: string, head: JournalHeader): Promise<Journal> {
  const { done, begun, positions } = await read(path, head)
  const file = openAppendFile(path)
  const write = (entry: JournalHeader | Entry): void => file.write(`${JSON.stringify(entry)}\n`)
  if (file.isNew) write(head)
  const rows = new Map([...begun].filter(([, { failed }]) => !failed))
  const since = Math.min(...Array.from(rows.keys(), (line) => positions.get(line) ?? 0))
  return {
    isDone: (line) => done.has(line),
    started: (line) => begun.get(line),
    interrupted: { since: rows.size === 0 ? 0 : since, rows },
    position: (count) => write({ at: count }),
    begin: (line, { request, guestId }) =>
      write({
        begin: line,
        ...(request === undefined ? {} : { request }),
        ...(guestId === undefined ? {} : { guestId }),
      }),
    done(line) {
      write({ done: line })
      // Rows that were not begun before are not asked for again.
      if (begun.delete(line)) done.add(line)
    },
    failed: (line, code) => write({ failed: line, code }),
    close: file.close,
  }
}

async function read(path: string, head: JournalHeader) {
  const done = new Set<number>()
  const begun = new Map<number, StartedRow>()
  /** Where the audit log ended at the latest before a row began. */
  const positions = new Map<number, number>()
  let position = 0
  let first = true
  for await (const text of journalLines(path)) {
    const entry = parseEntry(text)
    if (first) refuseOther(path, entry as Partial<JournalHeader>, head)
    first = false
    if (!entry) continue
    if ('at' in entry) position = entry.at
    else if ('begin' in entry) {
      const { begin: line, ...facts } = entry
      begun.set(line, facts)
      positions.set(line, position)
    } else if ('failed' in entry) begun.set(entry.failed, { ...begun.get(entry.failed), failed: true })
    else if ('done' in entry) {
      done.add(entry.done)
      begun.delete(entry.done)
    }
    if ('done' in entry || 'failed' in entry) positions.delete('done' in entry ? entry.done : entry.failed)
  }
  return { done, begun, positions }
}

/** The lines of the journal; none if there is no file. */
async function* journalLines(path: string): AsyncGenerator<string> {
  try {
    for await (const { text } of fileLines(path)) yield text
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(path, thrown)
  }
}

/** The last line may have been cut off by a kill; then it says nothing. */
function parseEntry(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry
  } catch {
    return undefined
  }
}

function refuseOther(path: string, found: Partial<JournalHeader> | undefined, head: JournalHeader): void {
  const differing = (['file', 'api', 'connection'] as const).find((member) => found?.[member] !== head[member])
  if (!differing) return
  const message =
    differing === 'file'
      ? 'the file was changed since its import began'
      : `its import began with another ${differing} (${String(found?.[differing])})`
  const remedy = `Bring back what it was to go on, or remove ${path} to begin anew: rows that were done would be done again.`
  throw new GuestpassError('invalid_input', `${message}.`, { fields: [{ field: 'file', message, remedy }] })
}
