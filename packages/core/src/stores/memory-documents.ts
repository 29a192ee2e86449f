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
import { isRemovable, createSweeper } from './sweeper.ts'

export interface Row {
  readonly kind: string
  readonly id: string
  readonly value: Json
  readonly revision: number
  readonly expiresAt: Instant
  /** When it was written. */
  readonly writtenAt: Instant
  /** Absent when it is never due. */
  readonly dueAt?: Instant
  /** When the due time was set, by a write or a claim. */
  readonly dueSetAt: Instant
}

type DueRow = DueDocumentsAnswer['claimed'][number]

/** All documents of a connection, and the number of the latest revision of any. */
export interface DocumentsSnapshot {
  readonly rows: readonly Row[]
  readonly revision: number
}

/** The documents of a connection. */
export interface MemoryDocuments {
  get(kind: string, id: string, now: Instant): Document
  meets(write: DocumentWrite, now: Instant): boolean
  put(write: DocumentWrite, now: Instant): void
  page(of: Parameters<StoredDocuments['documents']>[1], now: Instant): Awaited<ReturnType<StoredDocuments['documents']>>
  claimDue(ask: DueDocumentsRequest, now: Instant): DueDocumentsAnswer
  count(kind: string, now: Instant): number
  readonly size: number
  /** All there are, as they are now; those that have expired are left out a day later. */
  snapshot(now: Instant): DocumentsSnapshot
}

/** `known`: what to begin with, as `saved` gave it. */
export function createMemoryDocuments(known: DocumentsSnapshot = { rows: [], revision: 0 }): MemoryDocuments {
  const kinds = new Map<string, Map<string, Row>>()
  let { revision } = known
  const rowsOf = (kind: string): Map<string, Row> => {
    const rows = kinds.get(kind) ?? new Map<string, Row>()
    kinds.set(kind, rows)
    return rows
  }
  for (const row of known.rows) rowsOf(row.kind).set(row.id, row)
  const living = (row: Row | undefined, now: Instant): Row | undefined => {
    if (!row || row.expiresAt <= now) return undefined
    // Written by a clock that was ahead: it would outlive its time.
    const outlives = row.expiresAt < Number.POSITIVE_INFINITY && isFromFuture(row.writtenAt, now, DOCUMENT_TOLERANCE)
    return outlives ? undefined : row
  }
  const get = (kind: string, id: string, now: Instant): Document => {
    const row = living(rowsOf(kind).get(id), now)
    return row ? { value: row.value, revision: row.revision } : { revision: 0 }
  }

  const size = (): number => [...kinds.values()].reduce((sum, rows) => sum + rows.size, 0)
  const swept = createSweeper(size, (now) => {
    for (const rows of kinds.values())
      for (const [id, { expiresAt }] of rows) if (isRemovable(expiresAt, now)) rows.delete(id)
  })

  return {
    get,
    meets: ({ kind, id, expect }, now) => get(kind, id, now).revision === expect.revision,
    put({ kind, id, value, expiresAt = Number.POSITIVE_INFINITY, dueAt }, now) {
      if (value === undefined) {
        rowsOf(kind).delete(id)
        return
      }
      const due = { dueSetAt: now, ...(dueAt === undefined ? {} : { dueAt }) }
      revision += 1
      rowsOf(kind).set(id, { kind, id, value: frozenCopy(value), revision, expiresAt, writtenAt: now, ...due })
      swept(now)
    },
    page({ kind, after, limit }, now) {
      const ids = [...rowsOf(kind)].filter(([, row]) => living(row, now)).map(([id]) => id)
      const later = ids.filter((id) => after === undefined || id > after).sort()
      const page = later.slice(0, limit)
      const next = later.length > limit ? page.at(-1) : undefined
      return {
        documents: page.map((id) => {
          const { value, revision } = rowsOf(kind).get(id) as Row
          return { id, value, revision }
        }),
        ...(next === undefined ? {} : { next }),
      }
    },
    count: (kind, now) => [...rowsOf(kind).values()].filter((row) => living(row, now)).length,
    claimDue({ kind, max, leaseMs }, now) {
      const rows = rowsOf(kind)
      const due: DueRow[] = []
      let next = Number.POSITIVE_INFINITY
      for (const [id, row] of rows) {
        const dueAt = living(row, now) && dueTime(row, now)
        if (dueAt === undefined) continue
        if (dueAt <= now) due.push({ id, revision: row.revision, dueAt })
        else next = Math.min(next, dueAt)
      }
      const claimed = due.sort((a, b) => a.dueAt - b.dueAt).slice(0, max)
      const until = now + leaseMs
      for (const { id } of claimed) rows.set(id, { ...(rows.get(id) as Row), dueAt: until, dueSetAt: now })
      if (claimed.length > 0) next = Math.min(next, until)
      return { now, claimed, ...nextInMs(next, { claimed, max, now }) }
    },
    get size() {
      return size()
    },
    snapshot(now) {
      const all = [...kinds.values()].flatMap((rows) => [...rows.values()])
      return { rows: all.filter(({ expiresAt }) => !isRemovable(expiresAt, now)), revision }
    },
  }
}

/** When a row is due; one that a clock that was ahead put off is due now. Undefined when it never is. */
const dueTime = ({ dueAt, dueSetAt }: Row, now: Instant): Instant | undefined =>
  dueAt !== undefined && isFromFuture(dueSetAt, now) ? Math.min(dueAt, now) : dueAt
