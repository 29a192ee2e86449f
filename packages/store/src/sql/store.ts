import { type Change, refuseBadDueAsk, refuseBadLimit, refuseForeign, type Route, type Store } from '@guestpass/core'
import type { Vault } from '../seal/data-keys.ts'
import { found, holds, listed, put, type SealedWrite, sealedWrite } from './credentials.ts'
import type { Database, Db } from './database.ts'
import { answerWithoutClaim, claimDue, touch, wantsTouch } from './due.ts'
import { anyDue, append, claimed, paged, settled } from './events.ts'
import { deny, living, remember } from './issued.ts'
import { fact, learn, lease, release, reserve, setFact } from './sharing.ts'

async function allHold(db: Db, writes: readonly SealedWrite[]): Promise<boolean> {
  for (const write of writes) if (!(await holds(db, write))) return false
  return true
}

/** The store over any SQL database: the same queries for all. */
export function sqlStore(database: Database, vault: Vault, route: Route): Store {
  const { read, write, now } = database

  const apply = async (db: Db, change: Change, writes: readonly SealedWrite[]): Promise<'done' | 'conflict'> => {
    if (!(await allHold(db, writes))) return 'conflict'
    for (const one of writes) await put(db, one, now())
    for (const id of change.deny ?? []) await deny(db, change.connection, id)
    await remember(db, change.connection, change.issued ?? [], now())
    await append(db, change.events ?? [], route)
    return 'done'
  }

  return {
    async find(connection, id) {
      return { ...(await read((db) => found(db, vault, connection, id))), now: now() }
    },
    async list(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => listed(db, vault, connection, page))
    },
    async commit(change) {
      refuseForeign(change)
      const writes = (change.writes ?? []).map((one) => sealedWrite(vault, one))
      const scrub = writes.some(({ row }) => row.standing === 'erased')
      return write((db) => apply(db, change, writes), { scrub })
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
    },
    close: () => database.close(),
  }
}
