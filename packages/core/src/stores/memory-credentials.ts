import { type Credential, guestEnd } from '../domain/credential.ts'
import { dueAt, dueSetAt } from '../domain/due.ts'
import type { Instant, Millis } from '../domain/time.ts'
import type {
  CredentialPage,
  CredentialQuery,
  CredentialWrite,
  DueAnswer,
  DueRequest,
  EndedGuest,
  EndedGuestRequest,
} from '../ports/store.ts'
import { frozenCopy } from './frozen-copy.ts'
import { claimDueRows, type DueRow, isDue } from './memory-due.ts'
import { createMemoryIndexes } from './memory-indexes.ts'

/** A credential and its metadata. */
interface Row extends DueRow {
  readonly credential: Credential
  readonly revision: number
}

/** The credentials of a connection. */
export interface MemoryCredentials {
  get(id: string): Row | undefined
  ofSubject(subject: string): Credential | undefined
  readonly size: number
  /** Whether the stored row has the generation and revision that are expected. */
  meets(id: string, expect: CredentialWrite['expect']): boolean
  put(credential: Credential, now: Instant): void
  remove(id: string): void
  page(query: CredentialQuery): CredentialPage
  ended(request: EndedGuestRequest): readonly EndedGuest[]
  touch(id: string, now: Instant): void
  claimDue(request: DueRequest, now: Instant): DueAnswer
  rows(): readonly Row[]
  countDue(keepForMs: Millis, now: Instant): number
}

/** A row without a claim. */
export function unclaimedRow({
  credential,
  revision,
  touchedAt,
}: Pick<Row, 'credential' | 'revision' | 'touchedAt'>): Row {
  const due = dueAt(credential)
  return {
    credential: frozenCopy(credential),
    revision,
    ...(due === undefined ? {} : { dueAt: due }),
    dueSetAt: dueSetAt(credential),
    claimedUntil: Number.NEGATIVE_INFINITY,
    claimedAt: Number.NEGATIVE_INFINITY,
    touchedAt,
  }
}

function rowAfter(row: Row | undefined, credential: Credential, now: Instant): Row {
  const next = unclaimedRow({ credential, revision: (row?.revision ?? 0) + 1, touchedAt: row?.touchedAt ?? now })
  const keepsClaim = row?.credential.generation === credential.generation && row.dueAt === next.dueAt
  return {
    ...next,
    claimedUntil: keepsClaim ? row.claimedUntil : next.claimedUntil,
    claimedAt: row?.claimedAt ?? next.claimedAt,
  }
}

function endedRows(rows: Iterable<Row>, { before, after, limit }: EndedGuestRequest): readonly EndedGuest[] {
  const ended: EndedGuest[] = []
  for (const { credential, revision } of rows) {
    if (credential.kind !== 'guest') continue
    const endedAt = guestEnd(credential)
    const isLater = !after || endedAt > after.endedAt || (endedAt === after.endedAt && credential.id > after.id)
    if (endedAt < before && isLater) ended.push({ credential, revision, endedAt })
  }
  const inOrder = (one: EndedGuest, other: EndedGuest): number =>
    one.endedAt - other.endedAt || (one.credential.id < other.credential.id ? -1 : 1)
  return ended.sort(inOrder).slice(0, limit)
}

/** Index of the first id after the given one. */
function firstAfter(ids: readonly string[], after: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ids[middle] as string) > after) high = middle
    else low = middle + 1
  }
  return low
}

/** A page of the credentials with these ids, which are sorted. */
function pageOf(
  rows: ReadonlyMap<string, Row>,
  ids: readonly string[],
  { after, limit }: CredentialQuery,
): CredentialPage {
  const from = after === undefined ? 0 : firstAfter(ids, after)
  const page = ids.slice(from, from + limit)
  const next = from + limit < ids.length ? page.at(-1) : undefined
  return {
    credentials: page.map((id) => (rows.get(id) as Row).credential),
    ...(next === undefined ? {} : { next }),
  }
}

/** Credentials that begin with the rows of another one; none by default. */
export function createMemoryCredentials(initial: readonly Row[] = []): MemoryCredentials {
  const rows = new Map<string, Row>()
  const idOfSubject = new Map<string, string>()
  const indexes = createMemoryIndexes(rows)

  const change = (id: string, more: Partial<DueRow>): void => {
    const row = rows.get(id)
    if (row) rows.set(id, { ...row, ...more })
  }

  const keep = (row: Row): void => {
    const { id, subject, status } = row.credential
    if (status !== 'erased') idOfSubject.set(subject, id)
    indexes.add(row.credential, rows.get(id)?.credential)
    rows.set(id, row)
  }
  for (const row of initial) keep(row)

  return {
    get: (id) => rows.get(id),
    ofSubject: (subject) => rows.get(idOfSubject.get(subject) ?? '')?.credential,
    get size() {
      return rows.size
    },
    meets(id, { generation, revision }) {
      const row = rows.get(id)
      if ((row?.credential.generation ?? 0) !== generation) return false
      return revision === undefined || (row?.revision ?? 0) === revision
    },
    put(credential, now) {
      const row = rows.get(credential.id)
      if (row) idOfSubject.delete(row.credential.subject)
      keep(rowAfter(row, credential, now))
    },
    page: (query) => pageOf(rows, indexes.ids(query), query),
    remove(id) {
      const row = rows.get(id)
      if (!row) return
      if (idOfSubject.get(row.credential.subject) === id) idOfSubject.delete(row.credential.subject)
      indexes.remove(row.credential)
      rows.delete(id)
    },
    ended: (request) => endedRows(rows.values(), request),
    touch: (id, now) => change(id, { touchedAt: now }),
    claimDue: (request, now) => claimDueRows(rows, request, now, change),
    rows: () => [...rows.values()],
    countDue: (keepForMs, now) => [...rows.values()].filter((row) => isDue(row, keepForMs, now)).length,
  }
}
