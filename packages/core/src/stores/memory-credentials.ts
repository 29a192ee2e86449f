import type { Credential } from '../domain/credential.ts'
import type { Page, Store, Write } from '../ports/store.ts'
import { frozen } from './frozen.ts'

interface Row {
  readonly credential: Credential
  readonly revision: number
}

/** The credentials of a connection. */
export interface Credentials {
  get(id: string): Row | undefined
  holds(write: Write): boolean
  put(credential: Credential): void
  page(of: Parameters<Store['list']>[1]): Page
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

export function credentials(): Credentials {
  const rows = new Map<string, Row>()
  // Sorted when a page is asked for, and again only after an id has come.
  const sorted = new Map<Credential['kind'], readonly string[]>()

  const idsOf = (kind: Credential['kind']): readonly string[] => {
    const known = sorted.get(kind)
    if (known) return known
    const ids = [...rows].filter(([, row]) => row.credential.kind === kind).map(([id]) => id)
    ids.sort()
    sorted.set(kind, ids)
    return ids
  }

  return {
    get: (id) => rows.get(id),
    holds({ credential: { id }, expect: { generation, revision } }) {
      const row = rows.get(id)
      if ((row?.credential.generation ?? 0) !== generation) return false
      return revision === undefined || (row?.revision ?? 0) === revision
    },
    put(credential) {
      const row = rows.get(credential.id)
      if (row?.credential.kind !== credential.kind) sorted.clear()
      rows.set(credential.id, { credential: frozen(credential), revision: (row?.revision ?? 0) + 1 })
    },
    page({ kind, after, limit }) {
      const ids = idsOf(kind)
      const from = after === undefined ? 0 : firstAfter(ids, after)
      const page = ids.slice(from, from + limit)
      const next = from + limit < ids.length ? page.at(-1) : undefined
      return {
        credentials: page.map((id) => (rows.get(id) as Row).credential),
        ...(next === undefined ? {} : { next }),
      }
    },
  }
}
