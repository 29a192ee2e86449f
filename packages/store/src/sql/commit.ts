import type { Random } from '@guestpass/core'
import { type Change, type Instant, type Ledger, refuseForeign, type Route } from '@guestpass/core/store-kit'
import type { Vault } from '../seal/data-keys.ts'
import { append } from './append.ts'
import { putExpected, type SealedWrite, sealedWrite } from './credentials.ts'
import type { Database, Db } from './database.ts'
import { putExpectedDocument, type SealedDocument, sealedDocument } from './documents.ts'
import { deny, remember } from './issued.ts'
import { newestKey } from './keys.ts'
import { undoneOnConflict } from './savepoint.ts'

/** What a change writes, made before the transaction, so that sealing holds up nobody. */
interface Sealed {
  readonly writes: readonly SealedWrite[]
  readonly documents: readonly SealedDocument[]
  /** The data key that sealed it; absent when nothing is sealed. */
  readonly key?: string
}

const compared = (one: string, other: string): number => Number(one > other) - Number(one < other)

/** Writes all rows that are as expected; a conflict at the first that is not. */
async function written(db: Db, { writes, documents }: Sealed, now: Instant): Promise<'done' | 'conflict'> {
  for (const one of writes) if (!(await putExpected(db, one, now))) return 'conflict'
  for (const one of documents) if (!(await putExpectedDocument(db, one, now))) return 'conflict'
  return 'done'
}

export interface CommitParts {
  readonly database: Database
  readonly vault: Vault
  readonly route: Route
  readonly random: Random
}

/** `Ledger.commit` over any SQL database. */
export function commit({ database: { write, now }, vault, route, random }: CommitParts): Ledger['commit'] {
  function sealed({ connection, writes = [], documents = [] }: Change): Sealed {
    const some = writes.length + documents.length > 0
    return {
      // In the order of their keys: changes that cross each other then wait for one another, and never both.
      writes: writes.map((one) => sealedWrite(vault, one)).sort((a, b) => compared(a.row.id, b.row.id)),
      documents: documents
        .map((one) => sealedDocument(vault, random, connection, one))
        .sort((a, b) => compared(a.name.kind, b.name.kind) || compared(a.name.id, b.name.id)),
      ...(some ? { key: vault.current } : {}),
    }
  }

  const apply = async (db: Db, change: Change, ready: Sealed): Promise<'done' | 'conflict' | 'stale'> => {
    // From the moment that a key is there nothing is sealed with an older one, so that a rotation can come to its end.
    if (ready.key !== undefined && (await newestKey(db))?.id !== ready.key) return 'stale'
    // One row that is not as expected leaves nothing to undo.
    const several = ready.writes.length + ready.documents.length > 1
    const rows = () => written(db, ready, now())
    if ((several ? await undoneOnConflict(db, rows) : await rows()) === 'conflict') return 'conflict'
    for (const id of change.deny ?? []) await deny(db, change.connection, id)
    remember(db, change.connection, change.issued ?? [])
    append(db, change.events ?? [], route)
    return 'done'
  }

  return async (change) => {
    refuseForeign(change)
    const scrub = change.writes?.some(({ credential }) => credential.status === 'erased') ?? false
    for (;;) {
      const ready = sealed(change)
      const outcome = await write((db) => apply(db, change, ready), { scrub, urgent: true })
      if (outcome !== 'stale') return outcome
      await vault.reload()
    }
  }
}
