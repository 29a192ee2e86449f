import type { Store } from '@guestpass/core'
import {
  asGuestpassError,
  refuseBadClaim,
  refuseBadDueAsk,
  refuseBadLimit,
  refuseBadMost,
} from '@guestpass/core/store-kit'
import { chainHead, linksAfter } from './chain.ts'
import { commit, type CommitParts } from './commit.ts'
import { connectionsOf } from './connections.ts'
import { found, foundIn, listed, ofSubject, sealedRow } from './credentials.ts'
import type { Database } from './database.ts'
import { countedDocuments, documentOf, documentsOf } from './documents.ts'
import { answerWithoutClaim, claimDue, countedDue, touch, wantsTouch } from './due.ts'
import { answerWithoutDocuments, claimDueDocuments } from './due-documents.ts'
import { living } from './issued.ts'
import {
  hasDueMessage,
  claimMessages,
  countMessages,
  routeMessages,
  deadLettersOf,
  enqueueEvents,
  settleMessage,
} from './outbox.ts'
import { fact, learn, lease, release, reserve, setFact } from './sharing.ts'

/** The store over any SQL database: the same queries for all. */
export function sqlStore(parts: CommitParts): Store {
  const { database, vault } = parts
  const { read, write, now, leaseNow } = database

  const unsealed: Database['read'] = async (work) => {
    try {
      return await read(work)
    } catch (thrown) {
      if (asGuestpassError(thrown).code !== 'store_corrupt') throw thrown
      // Its key may have been rotated away between the reading and the opening of it: what stands there now opens.
      return read(work)
    }
  }

  return {
    async find(connection, id) {
      return { ...(await unsealed((db) => found(db, vault, connection, id))), now: now() }
    },
    findBySubject: (connection, subject) => unsealed((db) => ofSubject(db, vault, connection, subject)),
    document: (connection, kind, id) => unsealed((db) => documentOf(db, vault, { connection, kind, id }, now())),
    async documents(connection, page) {
      refuseBadLimit(page.limit)
      return unsealed((db) => documentsOf(db, vault, connection, page, now()))
    },
    async claimDueDocuments(connection, ask) {
      refuseBadClaim(ask)
      const asked = () => ({ ...ask, connection, now: now() })
      // Asked often and mostly in vain: only who finds something takes the lock.
      return (await read((db) => answerWithoutDocuments(db, asked()))) ?? write((db) => claimDueDocuments(db, asked()))
    },
    async countDocuments(connection, ask) {
      refuseBadMost(ask.most)
      return read((db) => countedDocuments(db, { ...ask, connection }, now()))
    },
    async list(connection, page) {
      refuseBadLimit(page.limit)
      return unsealed((db) => listed(db, vault, connection, page))
    },
    commit: commit(parts),
    ensureRoom: () => database.ensureRoom(),
    issued: (connection, fingerprint) =>
      read(async (db) => (await living(db, connection, fingerprint, now())) !== undefined),
    denied: (connection, fingerprint) =>
      read(async (db) => (await living(db, connection, fingerprint, now()))?.denied === 1),
    async lease(connection, name, holder, ms, credential) {
      const { answer, at, row } = await write(async (db) => {
        const at = now()
        const answer = await lease(db, { connection, name, holder, ms }, leaseNow())
        return { answer, at, row: credential === undefined ? undefined : await sealedRow(db, connection, credential) }
      })
      if (credential === undefined) return answer
      // Opened outside the transaction, which a key ring would hold up.
      const opened = await foundIn(vault, row).catch(() => unsealed((db) => found(db, vault, connection, credential)))
      return { ...answer, found: { ...opened, now: at } }
    },
    release: (connection, name, holder) => write((db) => release(db, connection, name, holder)),
    reserve: (connection, lane, ask) => write((db) => reserve(db, connection, lane, ask, now())),
    learn: (connection, lane, lesson) => write((db) => learn(db, connection, lane, lesson, now())),
    fact: (connection, name) => read((db) => fact(db, connection, name)),
    setFact: (connection, name, value) => write((db) => setFact(db, connection, name, value)),
    async events(connection, page) {
      refuseBadLimit(page.limit)
      const { links, ...next } = await read((db) => linksAfter(db, connection, page))
      return { events: links.map(({ event }) => event), ...next }
    },
    async chain(connection, page) {
      refuseBadLimit(page.limit)
      return read((db) => linksAfter(db, connection, page))
    },
    chainHead: (connection) => read((db) => chainHead(db, connection)),
    connections: () => read(connectionsOf),
    tracesSince: () => database.tracesSince(),
    async touch(connection, id) {
      const wanted = await read((db) => wantsTouch(db, connection, id, now()))
      if (wanted) await write((db) => touch(db, connection, id, now()))
    },
    async claimDue(connection, ask) {
      refuseBadDueAsk(ask)
      const asked = () => ({ ...ask, connection, now: now() })
      // Likewise.
      return (await read((db) => answerWithoutClaim(db, asked()))) ?? write((db) => claimDue(db, asked()))
    },
    async countDue(connection, ask) {
      refuseBadMost(ask.most)
      return read((db) => countedDue(db, { ...ask, connection, now: now() }))
    },
    outbox: {
      sinksFor: (event) => [...new Set(parts.route(event))],
      async claim(sink, max, leaseMs) {
        // Likewise.
        if (!(await read((db) => hasDueMessage(db, sink, now())))) return []
        return write((db) => claimMessages(db, sink, max, leaseMs, now()))
      },
      async settle(sink, outcomes) {
        if (outcomes.length === 0) return
        await write(async (db) => {
          const at = now()
          for (const outcome of outcomes) await settleMessage(db, sink, outcome, at)
        })
      },
      route: (sink, messages) => write((db) => routeMessages(db, sink, messages)),
      enqueue: (connection, sink, events) => write((db) => enqueueEvents(db, connection, sink, events, now())),
      async deadLetters(sink, page) {
        refuseBadLimit(page.limit)
        return read((db) => deadLettersOf(db, sink, page))
      },
      async counts(sink, most) {
        if (most !== undefined) refuseBadMost(most)
        return read((db) => countMessages(db, sink, most))
      },
      drop: (sink) => write(async (db) => void (await db.deleteFrom('outbox').where('sink', '=', sink).execute())),
    },
    close: () => database.close(),
  }
}
