import type { Store } from '@guestpass/core'
import {
  asGuestpassError,
  checkDocumentClaim,
  checkCredentialClaim,
  checkPageLimit,
  checkCountLimit,
} from '@guestpass/core/store-kit'
import { chainHead, linksAfter } from './audit-chain.ts'
import { createCommit, type CommitParts } from './commit.ts'
import { connectionsOf } from './connections.ts'
import { findCredential, openRow, listCredentials, findBySubject, readSealedRow } from './credentials.ts'
import type { Database } from './database.ts'
import { countDocuments, findDocument, listDocuments } from './documents.ts'
import { noDueCredentials, claimDue, countDue, touch, needsTouch } from './due-credentials.ts'
import { noDueDocuments, claimDueDocuments } from './due-documents.ts'
import { findIssuedToken } from './issued-tokens.ts'
import {
  hasDueMessage,
  claimMessages,
  countMessages,
  routeMessages,
  listDeadLetters,
  enqueueEvents,
  settleMessage,
} from './outbox.ts'
import { readFact, writeFact } from './facts.ts'
import { releaseLease, takeLease } from './leases.ts'
import { recordFeedback, reservePermits } from './rate-limit-buckets.ts'

/** The store over any SQL database: the same queries for all. */
export function createSqlStore(parts: CommitParts): Store {
  const { database, sealer } = parts
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
      return { ...(await unsealed((db) => findCredential(db, sealer, connection, id))), now: now() }
    },
    findBySubject: (connection, subject) => unsealed((db) => findBySubject(db, sealer, connection, subject)),
    document: (connection, kind, id) => unsealed((db) => findDocument(db, sealer, { connection, kind, id }, now())),
    async documents(connection, page) {
      checkPageLimit(page.limit)
      return unsealed((db) => listDocuments(db, sealer, connection, page, now()))
    },
    async claimDueDocuments(connection, ask) {
      checkDocumentClaim(ask)
      const asked = () => ({ ...ask, connection, now: now() })
      // Asked often and mostly in vain: only who finds something takes the lock.
      return (await read((db) => noDueDocuments(db, asked()))) ?? write((db) => claimDueDocuments(db, asked()))
    },
    async countDocuments(connection, ask) {
      checkCountLimit(ask.most)
      return read((db) => countDocuments(db, { ...ask, connection }, now()))
    },
    async list(connection, page) {
      checkPageLimit(page.limit)
      return unsealed((db) => listCredentials(db, sealer, connection, page))
    },
    commit: createCommit(parts),
    ensureRoom: () => database.ensureRoom(),
    issued: (connection, fingerprint) =>
      read(async (db) => (await findIssuedToken(db, connection, fingerprint, now())) !== undefined),
    denied: (connection, fingerprint) =>
      read(async (db) => (await findIssuedToken(db, connection, fingerprint, now()))?.denied === 1),
    async lease(connection, name, holder, ms, credential) {
      const { answer, at, row } = await write(async (db) => {
        const at = now()
        const answer = await takeLease(db, { connection, name, holder, ms }, leaseNow())
        return {
          answer,
          at,
          row: credential === undefined ? undefined : await readSealedRow(db, connection, credential),
        }
      })
      if (credential === undefined) return answer
      // Opened outside the transaction, which a key ring would hold up.
      const opened = await openRow(sealer, row).catch(() =>
        unsealed((db) => findCredential(db, sealer, connection, credential)),
      )
      return { ...answer, found: { ...opened, now: at } }
    },
    release: (connection, name, holder) => write((db) => releaseLease(db, connection, name, holder)),
    reservePermits: (connection, key, request) => write((db) => reservePermits(db, connection, key, request, now())),
    applyFeedback: (connection, key, feedback) => write((db) => recordFeedback(db, connection, key, feedback, now())),
    fact: (connection, name) => read((db) => readFact(db, connection, name)),
    setFact: (connection, name, value) => write((db) => writeFact(db, connection, name, value)),
    async events(connection, page) {
      checkPageLimit(page.limit)
      const { links, ...next } = await read((db) => linksAfter(db, connection, page))
      return { events: links.map(({ event }) => event), ...next }
    },
    async chain(connection, page) {
      checkPageLimit(page.limit)
      return read((db) => linksAfter(db, connection, page))
    },
    chainHead: (connection) => read((db) => chainHead(db, connection)),
    connections: () => read(connectionsOf),
    tracesSince: () => database.tracesSince(),
    async touch(connection, id) {
      const wanted = await read((db) => needsTouch(db, connection, id, now()))
      if (wanted) await write((db) => touch(db, connection, id, now()))
    },
    async claimDue(connection, ask) {
      checkCredentialClaim(ask)
      const asked = () => ({ ...ask, connection, now: now() })
      // Likewise.
      return (await read((db) => noDueCredentials(db, asked()))) ?? write((db) => claimDue(db, asked()))
    },
    async countDue(connection, ask) {
      checkCountLimit(ask.most)
      return read((db) => countDue(db, { ...ask, connection, now: now() }))
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
        checkPageLimit(page.limit)
        return read((db) => listDeadLetters(db, sink, page))
      },
      async counts(sink, most) {
        if (most !== undefined) checkCountLimit(most)
        return read((db) => countMessages(db, sink, most))
      },
      drop: (sink) => write(async (db) => void (await db.deleteFrom('outbox').where('sink', '=', sink).execute())),
    },
    close: () => database.close(),
  }
}
