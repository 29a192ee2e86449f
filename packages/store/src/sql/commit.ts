import { type Change, type Random, refuseForeign, type Route, type Store } from '@guestpass/core'
import type { Vault } from '../seal/data-keys.ts'
import { expected, put, putProfileKey, type SealedWrite, sealedWrite } from './credentials.ts'
import type { Database, Db } from './database.ts'
import { documentHolds, putDocument, type SealedDocument, sealedDocument } from './documents.ts'
import { append } from './events.ts'
import { deny, remember } from './issued.ts'
import { newestKey } from './keys.ts'

/** What a change writes, made before the transaction, so that sealing holds up nobody. */
interface Sealed {
  readonly writes: readonly SealedWrite[]
  readonly documents: readonly SealedDocument[]
  /** The data key that sealed it; absent when nothing is sealed. */
  readonly key?: string
}

export interface CommitParts {
  readonly database: Database
  readonly vault: Vault
  readonly route: Route
  readonly random: Random
}

/** `Store.commit` over any SQL database. */
export function commit({ database: { write, now }, vault, route, random }: CommitParts): Store['commit'] {
  function sealed({ connection, writes = [], documents = [] }: Change): Sealed {
    const some = writes.length + documents.length > 0
    return {
      writes: writes.map((one) => sealedWrite(vault, one)),
      documents: documents.map((one) => sealedDocument(vault, random, connection, one)),
      ...(some ? { key: vault.current } : {}),
    }
  }

  /** The writes that find a profile or bring one; undefined when something is not as expected. */
  async function checked(db: Db, { writes, documents }: Sealed): Promise<readonly SealedWrite[] | undefined> {
    const personal: SealedWrite[] = []
    for (const one of writes) {
      const stands = await expected(db, one)
      if (!stands) return undefined
      if (stands.personal || one.profileKey) personal.push(one)
    }
    for (const one of documents) if (!(await documentHolds(db, one, now()))) return undefined
    return personal
  }

  const apply = async (db: Db, change: Change, ready: Sealed): Promise<'done' | 'conflict' | 'stale'> => {
    // From the moment that a key is there nothing is sealed with an older one, so that a rotation can come to its end.
    if (ready.key !== undefined && (await newestKey(db))?.id !== ready.key) return 'stale'
    const personal = await checked(db, ready)
    if (!personal) return 'conflict'
    for (const one of personal) await putProfileKey(db, one)
    for (const one of ready.writes) await put(db, one, now())
    for (const one of ready.documents) await putDocument(db, one, now())
    for (const id of change.deny ?? []) await deny(db, change.connection, id)
    await remember(db, change.connection, change.issued ?? [], now())
    await append(db, change.events ?? [], route)
    return 'done'
  }

  return async (change) => {
    refuseForeign(change)
    const scrub = change.writes?.some(({ credential }) => credential.standing === 'erased') ?? false
    for (;;) {
      const ready = sealed(change)
      const outcome = await write((db) => apply(db, change, ready), { scrub, urgent: true })
      if (outcome !== 'stale') return outcome
      await vault.reload()
    }
  }
}
