import type { Credential } from '../domain/credential.ts'
import type { CredentialQuery } from '../ports/store.ts'

/** The ids of the credentials that a query asks for, besides its page. */
export interface MemoryIndexes {
  /** In order. */
  ids(query: CredentialQuery): readonly string[]
  /** `before`: the credential that the new one replaces. */
  add(credential: Credential, before: Credential | undefined): void
  remove(credential: Credential): void
}

const UNINDEXED = 'unindexed'
const personIndex = (person: string): string => `person ${person}`

/** The name of the index that has a guest: that of its `person`, or `UNINDEXED`. Undefined: none has it. */
function indexOf(credential: Credential): string | undefined {
  if (credential.kind !== 'guest') return undefined
  const { profile, person } = credential
  if ((profile === undefined) !== (person === undefined)) return UNINDEXED
  return person === undefined ? undefined : personIndex(person)
}

/** Indexes of rows, which are empty still. */
export function createMemoryIndexes(rows: ReadonlyMap<string, { readonly credential: Credential }>): MemoryIndexes {
  // Sorted by the first page request, and again after a new id.
  const sorted = new Map<Credential['kind'], readonly string[]>()
  const ofGuests = new Map<string, Set<string>>()

  function ofKind(kind: Credential['kind']): readonly string[] {
    const known = sorted.get(kind)
    if (known) return known
    const ids = [...rows].filter(([, row]) => row.credential.kind === kind).map(([id]) => id)
    ids.sort()
    sorted.set(kind, ids)
    return ids
  }

  function leave(credential: Credential): void {
    const name = indexOf(credential)
    if (name === undefined) return
    ofGuests.get(name)?.delete(credential.id)
    if (ofGuests.get(name)?.size === 0) ofGuests.delete(name)
  }

  return {
    ids({ kind, person, unindexed }) {
      if (!unindexed && person === undefined) return ofKind(kind)
      if (kind !== 'guest') return []
      const name = person === undefined ? UNINDEXED : personIndex(person)
      return [...(ofGuests.get(name) ?? [])].sort()
    },
    add(credential, before) {
      if (before?.kind !== credential.kind) sorted.clear()
      if (before) leave(before)
      const name = indexOf(credential)
      if (name !== undefined) ofGuests.set(name, (ofGuests.get(name) ?? new Set()).add(credential.id))
    },
    remove(credential) {
      sorted.clear()
      leave(credential)
    },
  }
}
