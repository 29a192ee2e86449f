import {
  type Change,
  type Random,
  refuseBadDueAsk,
  refuseBadLimit,
  refuseForeign,
  type Route,
  type Store,
} from '@guestpass/core'
import type { Vault } from '../seal/data-keys.ts'
import { chainHead, linksAfter } from './chain.ts'
import { found, holds, listed, ofSubject, put, type SealedWrite, sealedWrite } from './credentials.ts'
import type { Database, Db } from './database.ts'
import {
  documentHolds,
  documentOf,
  documentsOf,
  putDocument,
  type SealedDocument,
  sealedDocument,
} from './documents.ts'
import { answerWithoutClaim, claimDue, touch, wantsTouch } from './due.ts'
import { anyDue, append, claimed, counted, forwarded, paged, parked, posted, settled } from './events.ts'
import { deny, living, remember } from './issued.ts'
import { fact, learn, lease, release, reserve, setFact } from './sharing.ts'

/** What a change writes, made before the transaction, so that sealing holds up nobody. */
interface Sealed {
  readonly writes: readonly SealedWrite[]
  readonly documents: readonly SealedDocument[]
}

/** The store over any SQL database: the same queries for all. */
export function sqlStore(database: Database, vault: Vault, route: Route, random: Random): Store {
  const { read, write, now } = database

  async function allHold(db: Db, { writes, documents }: Sealed): Promise<boolean> {
    for (const one of writes) if (!(await holds(db, one))) return false
    for (const one of documents) if (!(await documentHolds(db, one, now()))) return false
    return true
  }

  const apply = async (db: Db, change: Change, sealed: Sealed): Promise<'done' | 'conflict'> => {
    if (!(await allHold(db, sealed))) return 'conflict'
    for (const one of sealed.writes) await put(db, one, now())
    for (const one of sealed.documents) await putDocument(db, one, now())
    for (const id of change.deny ?? []) await deny(db, change.connection, id)
    await remember(db, change.connection, change.issued ?? [], now())
    await append(db, change.events ?? [], route)
    return 'done'
  }

  return {
    async find(connection, id) {
      return { ...(await read((db) => found(db, vault, connection, id))), now: now() }
    },
    findBySubject: (connection, subject) => read((db) => ofSubject(db, vault, connection, subject)),
    document: (connection, kind, id) => read((db) => documentOf(db, vault, { connection, kind, id }, now())),
    async documents(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => documentsOf(db, vault, connection, page, now()))
    },
    async list(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => listed(db, vault, connection, page))
    },
    async commit(change) {
      refuseForeign(change)
      const writes = (change.writes ?? []).map((one) => sealedWrite(vault, one))
      const documents = (change.documents ?? []).map((one) => sealedDocument(vault, random, change.connection, one))
      const scrub = writes.some(({ row }) => row.standing === 'erased')
      return write((db) => apply(db, change, { writes, documents }), { scrub })
    },
    issued: (connection, fingerprint) =>
      read(async (db) => (await living(db, connection, fingerprint, now())) !== undefined),
    denied: (connection, fingerprint) =>
      read(async (db) => (await living(db, connection, fingerprint, now()))?.denied === 1),
    lease: (connection, name, holder, ms) => write((db) => lease(db, { connection, name, holder, ms }, now())),
    release: (connection, name, holder) => write((db) => release(db, connection, name, holder)),
    reserve: (connection, lane, ask) => write((db) => reserve(db, connection, lane, ask, now())),
    learn: (connection, lane, lesson) => write((db) => learn(db, connection, lane, lesson, now())),
    fact: (connection, name) => read((db) => fact(db, connection, name)),
    setFact: (connection, name, value) => write((db) => setFact(db, connection, name, value)),
    async events(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => paged(db, connection, page))
    },
    async chain(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => linksAfter(db, connection, page))
    },
    chainHead: (connection) => read((db) => chainHead(db, connection)),
    connections: () => read(connectionsOf),
    async touch(connection, id) {
      const wanted = await read((db) => wantsTouch(db, connection, id, now()))
      if (wanted) await write((db) => touch(db, connection, id, now()))
    },
    async claimDue(connection, ask) {
      refuseBadDueAsk(ask)
      const asked = () => ({ ...ask, connection, now: now() })
      // Asked often and mostly in vain: only who finds something takes the lock.
      return (await read((db) => answerWithoutClaim(db, asked()))) ?? write((db) => claimDue(db, asked()))
    },
    outbox: {
      async claim(sink, max, leaseMs) {
        // Likewise.
        if (!(await read((db) => anyDue(db, sink, now())))) return []
        return write((db) => claimed(db, sink, max, leaseMs, now()))
      },
      async settle(sink, outcomes) {
        if (outcomes.length === 0) return
        await write(async (db) => {
          for (const outcome of outcomes) await settled(db, sink, outcome, now())
        })
      },
      forward: (sink, letters) => write((db) => forwarded(db, sink, letters)),
      post: (connection, sink, events) => write((db) => posted(db, connection, sink, events)),
      async parked(sink, page) {
        refuseBadLimit(page.limit)
        return read((db) => parked(db, sink, page))
      },
      counts: (sink) => read((db) => counted(db, sink)),
      drop: (sink) => write(async (db) => void (await db.deleteFrom('outbox').where('sink', '=', sink).execute())),
    },
    close: () => database.close(),
  }
}

async function connectionsOf(db: Db): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('credentials')
    .select('connection')
    .union(db.selectFrom('documents').select('connection'))
    .union(db.selectFrom('events').select('connection'))
    .orderBy('connection')
    .execute()
  return rows.map(({ connection }) => connection)
}
