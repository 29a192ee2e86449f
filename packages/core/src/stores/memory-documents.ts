import type { Json } from '../domain/json.ts'
import { DOCUMENT_TOLERANCE, type Instant, isFromFuture } from '../domain/time.ts'
import type {
  Document,
  Documents as StoredDocuments,
  DocumentWrite,
  DueDocumentsAnswer,
  DueDocumentsRequest,
} from '../ports/store.ts'
import { frozenCopy } from './frozen-copy.ts'
import { nextInMs } from './memory-due.ts'
import { createSweeper, isRemovable } from './sweeper.ts'

/** A document and its metadata. */
export interface Row {
  readonly kind: string
  readonly id: string
  readonly value: Json
  readonly revision: number
  readonly expiresAt: Instant
  readonly writtenAt: Instant
  /** Absent if the document is never due. */
  readonly dueAt?: Instant
  /** When a write or a claim set the due time. */
  readonly dueSetAt: Instant
}

type PageRequest = Parameters<StoredDocuments['documents']>[1]
type DocumentPage = Awaited<ReturnType<StoredDocuments['documents']>>

/** All documents of a connection, and the latest revision of any of them. */
export interface DocumentsSnapshot {
  readonly rows: readonly Row[]
  readonly revision: number
}

/** The documents of a connection. */
export interface MemoryDocuments {
  get(kind: string, id: string, now: Instant): Document
  /** Whether the stored document has the revision that the write expects. */
  meets(write: DocumentWrite, now: Instant): boolean
  put(write: DocumentWrite, now: Instant): void
  page(request: PageRequest, now: Instant): DocumentPage
  claimDue(request: DueDocumentsRequest, now: Instant): DueDocumentsAnswer
  count(kind: string, now: Instant): number
  readonly size: number
  /** How many documents of each kind there are. */
  counts(): readonly (readonly [kind: string, count: number])[]
  /** All documents. Leaves out those that expired more than a day ago. */
  snapshot(now: Instant): DocumentsSnapshot
}

interface State {
  readonly kinds: Map<string, Map<string, Row>>
  revision: number
}

/** The documents of a snapshot; none by default. */
export function createMemoryDocuments(snapshot: DocumentsSnapshot = { rows: [], revision: 0 }): MemoryDocuments {
  const state: State = { kinds: new Map(), revision: snapshot.revision }
  for (const row of snapshot.rows) rowsOf(state, row.kind).set(row.id, row)
  const sweep = createSweeper(
    () => sizeOf(state),
    (now) => removeExpired(state, now),
  )
  return {
    get: (kind, id, now) => get(state, { kind, id }, now),
    meets: (write, now) => get(state, write, now).revision === write.expect.revision,
    put(write, now) {
      put(state, write, now)
      if (write.value !== undefined) sweep(now)
    },
    page: (request, now) => page(state, request, now),
    count: (kind, now) => [...rowsOf(state, kind).values()].filter((row) => isReadable(row, now)).length,
    claimDue: (request, now) => claimDue(rowsOf(state, request.kind), request, now),
    get size() {
      return sizeOf(state)
    },
    counts: () => [...state.kinds].map(([kind, rows]) => [kind, rows.size]),
    snapshot: (now) => snapshotOf(state, now),
  }
}

function rowsOf({ kinds }: State, kind: string): Map<string, Row> {
  const rows = kinds.get(kind) ?? new Map<string, Row>()
  kinds.set(kind, rows)
  return rows
}

const sizeOf = ({ kinds }: State): number => [...kinds.values()].reduce((sum, rows) => sum + rows.size, 0)

function removeExpired({ kinds }: State, now: Instant): void {
  for (const rows of kinds.values())
    for (const [id, { expiresAt }] of rows) if (isRemovable(expiresAt, now)) rows.delete(id)
}

function isReadable({ expiresAt, writtenAt }: Row, now: Instant): boolean {
  if (expiresAt <= now) return false
  // A clock that was ahead wrote it, so its expiry would come too late.
  return expiresAt === Number.POSITIVE_INFINITY || !isFromFuture(writtenAt, now, DOCUMENT_TOLERANCE)
}

function get(state: State, { kind, id }: Pick<Row, 'kind' | 'id'>, now: Instant): Document {
  const row = rowsOf(state, kind).get(id)
  return row && isReadable(row, now) ? { value: row.value, revision: row.revision } : { revision: 0 }
}

function put(state: State, write: DocumentWrite, now: Instant): void {
  const { kind, id, value, expiresAt = Number.POSITIVE_INFINITY, dueAt } = write
  const rows = rowsOf(state, kind)
  if (value === undefined) {
    rows.delete(id)
    return
  }
  state.revision += 1
  rows.set(id, {
    kind,
    id,
    value: frozenCopy(value),
    revision: state.revision,
    expiresAt,
    writtenAt: now,
    dueSetAt: now,
    ...(dueAt === undefined ? {} : { dueAt }),
  })
}

function page(state: State, { kind, after, limit }: PageRequest, now: Instant): DocumentPage {
  const rows = [...rowsOf(state, kind).values()]
    .filter((row) => isReadable(row, now) && (after === undefined || row.id > after))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const documents = rows.slice(0, limit).map(({ id, value, revision }) => ({ id, value, revision }))
  const next = rows.length > limit ? documents.at(-1)?.id : undefined
  return { documents, ...(next === undefined ? {} : { next }) }
}

function claimDue(rows: Map<string, Row>, { max, leaseMs }: DueDocumentsRequest, now: Instant): DueDocumentsAnswer {
  const due: DueDocumentsAnswer['claimed'][number][] = []
  let next = Number.POSITIVE_INFINITY
  for (const [id, row] of rows) {
    const dueAt = isReadable(row, now) ? dueTime(row, now) : undefined
    if (dueAt === undefined) continue
    if (dueAt <= now) due.push({ id, revision: row.revision, dueAt })
    else next = Math.min(next, dueAt)
  }
  const claimed = due.sort((a, b) => a.dueAt - b.dueAt).slice(0, max)
  const until = now + leaseMs
  for (const { id } of claimed) rows.set(id, { ...(rows.get(id) as Row), dueAt: until, dueSetAt: now })
  if (claimed.length > 0) next = Math.min(next, until)
  return { now, claimed, ...nextInMs(next, { claimed, max, now }) }
}

/** When a document is due; undefined if never. If a clock that was ahead set the due time, it is due now. */
const dueTime = ({ dueAt, dueSetAt }: Row, now: Instant): Instant | undefined =>
  dueAt !== undefined && isFromFuture(dueSetAt, now) ? Math.min(dueAt, now) : dueAt

function snapshotOf({ kinds, revision }: State, now: Instant): DocumentsSnapshot {
  const rows = [...kinds.values()].flatMap((ofKind) => [...ofKind.values()])
  return { rows: rows.filter(({ expiresAt }) => !isRemovable(expiresAt, now)), revision }
}
