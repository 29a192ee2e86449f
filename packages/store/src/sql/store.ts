import type { Store } from '@guestpass/core'
import {
  asGuestpassError,
  type AuditTrail,
  checkCountLimit,
  checkCredentialClaim,
  checkDocumentClaim,
  checkPageLimit,
  type Coordination,
  type Credentials,
  type Documents,
  type Facts,
  type IssuedTokens,
  type Outbox,
  type Sizes,
} from '@guestpass/core/store-kit'
import { chainHead, hasSubject, readLinks, removeLinks } from './audit-chain.ts'
import { createCommit, type CommitParts } from './commit.ts'
import { connectionsOf } from './connections.ts'
import { findBySubject, findCredential, listCredentials, openRow, readSealedRow } from './credentials.ts'
import type { Db, WriteOptions } from './database.ts'
import { countDocuments, findDocument, listDocuments } from './documents.ts'
import { claimDue, countDue, needsTouch, noDueCredentials, touch } from './due-credentials.ts'
import { claimDueDocuments, noDueDocuments } from './due-documents.ts'
import { listEndedGuests } from './ended-guests.ts'
import { readFact, writeFact } from './facts.ts'
import { findIssuedToken } from './issued-tokens.ts'
import { type LeaseRequest, releaseLease, takeLease } from './leases.ts'
import {
  claimMessages,
  countMessages,
  enqueueEvents,
  retryMessagesNow,
  hasDueMessage,
  listDeadLetters,
  removeMessages,
  routeMessages,
  settleMessages,
} from './outbox.ts'
import { readRateLimitState, recordFeedback, reservePermits } from './rate-limit-buckets.ts'
import { sizesOfConnection } from './sizes.ts'

/** Builds the store over any SQL database. Every database runs the same queries. */
export function createSqlStore(parts: CommitParts): Store {
  const { database } = parts
  return {
    commit: createCommit(parts),
    ensureRoom: () => database.ensureRoom(),
    tracesSince: () => database.tracesSince(),
    ...credentials(parts),
    ...documents(parts),
    ...issuedTokens(parts),
    ...coordination(parts),
    ...facts(parts),
    ...auditTrail(parts),
    ...sizes(parts),
    outbox: outbox(parts),
    close: () => database.close(),
  }
}

/**
 * Reads rows and opens their sealed values. A rotation may retire a key after the row was read and before its
 * value is opened, so a value that does not open is read once more.
 */
async function readSealed<T>({ database }: CommitParts, work: (db: Db) => Promise<T>): Promise<T> {
  try {
    return await database.read(work)
  } catch (thrown) {
    if (asGuestpassError(thrown).code !== 'store_corrupt') throw thrown
    return database.read(work)
  }
}

/** Options of a write that only saves work. `order`: the row that it locks. */
const losable = (connection: string, order = ''): WriteOptions => ({ connection, order, mayBeLost: true })

function credentials(parts: CommitParts): Credentials {
  const { database, sealer } = parts
  const { read, write, now, member } = database
  return {
    async find(connection, id) {
      return { ...(await readSealed(parts, (db) => findCredential(db, sealer, connection, id))), now: now() }
    },
    findBySubject: (connection, subject) => readSealed(parts, (db) => findBySubject(db, sealer, connection, subject)),
    async list(connection, page) {
      checkPageLimit(page.limit)
      return readSealed(parts, (db) => listCredentials(db, sealer, connection, page))
    },
    async touch(connection, id) {
      const isNeeded = await read((db) => needsTouch(db, connection, id, now()))
      if (isNeeded) await write((db) => touch(db, connection, id, now()), losable(connection, id))
    },
    async claimDue(connection, request) {
      checkCredentialClaim(request)
      const claim = () => ({ ...request, connection, now: now() })
      // Most claims find nothing. Only one that finds something takes the write lock.
      return (
        (await read((db) => noDueCredentials(db, claim()))) ?? write((db) => claimDue(db, claim()), losable(connection))
      )
    },
    async countDue(connection, request) {
      checkCountLimit(request.most)
      return read((db) => countDue(db, { ...request, connection, now: now() }))
    },
    async endedGuests(connection, request) {
      checkPageLimit(request.limit)
      return readSealed(parts, (db) => listEndedGuests(db, { sealer, member }, connection, request))
    },
  }
}

function documents(parts: CommitParts): Documents {
  const { database, sealer } = parts
  const { read, write, now } = database
  return {
    document: (connection, kind, id) =>
      readSealed(parts, (db) => findDocument(db, sealer, { connection, kind, id }, now())),
    async documents(connection, page) {
      checkPageLimit(page.limit)
      return readSealed(parts, (db) => listDocuments(db, sealer, connection, page, now()))
    },
    async claimDueDocuments(connection, request) {
      checkDocumentClaim(request)
      const claim = () => ({ ...request, connection, now: now() })
      // Most claims find nothing. Only one that finds something takes the write lock.
      return (
        (await read((db) => noDueDocuments(db, claim()))) ??
        write((db) => claimDueDocuments(db, claim()), losable(connection))
      )
    },
    async countDocuments(connection, request) {
      checkCountLimit(request.most)
      return read((db) => countDocuments(db, { ...request, connection }, now()))
    },
  }
}

const issuedTokens = ({ database: { read, now } }: CommitParts): IssuedTokens => ({
  issued: (connection, fingerprint) =>
    read(async (db) => (await findIssuedToken(db, connection, fingerprint, now())) !== undefined),
  denied: (connection, fingerprint) =>
    read(async (db) => (await findIssuedToken(db, connection, fingerprint, now()))?.denied === 1),
})

function coordination(parts: CommitParts): Coordination {
  const { read, write, now } = parts.database
  return {
    lease: (connection, name, holder, ms, credential) => lease(parts, { connection, name, holder, ms }, credential),
    release: (connection, name, holder) =>
      write((db) => releaseLease(db, connection, name, holder), losable(connection, name)),
    reservePermits: (connection, key, request) =>
      write((db) => reservePermits(db, connection, key, request, now()), losable(connection, key)),
    rateLimitState: (connection, key, limit) => read((db) => readRateLimitState(db, connection, key, limit, now())),
    applyFeedback: (connection, key, feedback) =>
      write((db) => recordFeedback(db, connection, key, feedback, now()), losable(connection, key)),
  }
}

async function lease(
  parts: CommitParts,
  request: LeaseRequest,
  credential: string | undefined,
): ReturnType<Coordination['lease']> {
  const { database, sealer } = parts
  const { connection, name } = request
  const options = losable(connection, name)
  if (credential === undefined) return database.write((db) => takeLease(db, request, database.leaseNow()), options)
  const { answer, now, row } = await database.write(
    async (db) => ({
      now: database.now(),
      answer: await takeLease(db, request, database.leaseNow()),
      row: await readSealedRow(db, connection, credential),
    }),
    options,
  )
  // The row is opened outside the transaction, because a key ring may be slow.
  const opened = await openRow(sealer, row).catch(() =>
    readSealed(parts, (db) => findCredential(db, sealer, connection, credential)),
  )
  return { ...answer, found: { ...opened, now } }
}

const facts = ({ database: { read, write } }: CommitParts): Facts => ({
  fact: (connection, name) => read((db) => readFact(db, connection, name)),
  setFact: (connection, name, value) =>
    write((db) => writeFact(db, connection, name, value), losable(connection, `fact ${name}`)),
})

const auditTrail = ({ database: { read, write, member } }: CommitParts): AuditTrail => ({
  async events(connection, page) {
    checkPageLimit(page.limit)
    const { links, ...next } = await read((db) => readLinks(db, connection, page))
    return { events: links.map(({ event }) => event), ...next }
  },
  async chain(connection, page) {
    checkPageLimit(page.limit)
    const { subject } = page
    const isIncluded = subject === undefined ? undefined : hasSubject(member, subject)
    return read((db) => readLinks(db, connection, page, isIncluded))
  },
  async prune(connection, ask) {
    checkPageLimit(ask.limit)
    return write(
      async (db) => {
        const removed = await removeLinks(db, connection, ask)
        await removeMessages(db, connection, removed)
        return removed.length
      },
      { connection },
    )
  },
  chainHead: (connection) => read((db) => chainHead(db, connection)),
  connections: () => read(connectionsOf),
})

const sizes = ({ database: { read, fileSizes, member, now } }: CommitParts): Sizes => ({
  sizes: async (connection) => ({
    kinds: await read((db) => sizesOfConnection(db, connection, { member, now: now() })),
    ...(await fileSizes()),
  }),
})

const outbox = ({ database: { read, write, now }, route }: CommitParts): Outbox => ({
  sinksFor: (event) => [...new Set(route(event))],
  async claim(sink, max, leaseMs) {
    // Most claims find nothing. Only one that finds something takes the write lock.
    if (!(await read((db) => hasDueMessage(db, sink, now())))) return []
    return write((db) => claimMessages(db, sink, max, leaseMs, now()), { mayBeLost: true })
  },
  async settle(sink, outcomes) {
    if (outcomes.length === 0) return
    await write((db) => settleMessages(db, sink, outcomes, now()))
  },
  route: (sink, messages) => write((db) => routeMessages(db, sink, messages)),
  enqueue: (connection, sink, events) =>
    write((db) => enqueueEvents(db, connection, sink, events, now()), { connection }),
  retryNow: (sink) => write((db) => retryMessagesNow(db, sink, now())),
  async deadLetters(sink, page) {
    checkPageLimit(page.limit)
    return read((db) => listDeadLetters(db, sink, page))
  },
  async counts(sink, most) {
    if (most !== undefined) checkCountLimit(most)
    return read((db) => countMessages(db, sink, most))
  },
  drop: (sink) => write(async (db) => void (await db.deleteFrom('outbox').where('sink', '=', sink).execute())),
})
