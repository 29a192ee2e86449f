import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { auditRecord } from '../domain/audit-record.ts'
import { checkOptions, needed, record } from '../domain/options.ts'
import type { Json } from '../domain/json.ts'
import { isAhead, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import * as kinds from '../ports/kinds.ts'
import type { Documents, Ledger, Trail } from '../ports/store.ts'
import { repeated, type StoredWorker } from '../ports/worker.ts'
import {
  type Checkpoint,
  checkpointOf,
  newSigningKey,
  type Signer,
  type SigningKey,
  signedCheckpoint,
  createSigner,
} from './checkpoint.ts'
import { type ChainedRecord, type ChainVerdict, brokenChain, verifyChain } from './verify-chain.ts'

/**
 * The audit log of a connection: its chain in the store, and the signed checkpoints beside it. `run` makes checkpoints: after every
 * 1000 records, and every 10 minutes in which some came. The backlog is the records after the last one. A memory store that has forgotten
 * its oldest events cannot be verified from the beginning.
 */
export interface AuditLog extends StoredWorker {
  /** Records in the order of their chain, a page at a time; up to `until` when given. */
  records(until?: number): AsyncGenerator<ChainedRecord>
  /** Signs where the chain ends now, and keeps it; the last one again when nothing has come since. */
  checkpoint(): Promise<Checkpoint>
  /** Checks every record and every checkpoint; `kept`: checkpoints that were kept elsewhere. */
  verify(kept?: readonly Checkpoint[]): Promise<ChainVerdict>
}

const PAGE = 1_000
const EVERY_RECORDS = 1_000
const EVERY: Millis = 10 * MINUTE
const LOOK: Millis = 15 * SECOND

/** Kinds of documents. */
const CHECKPOINT = 'checkpoint'
const KEY = 'key'
const SIGNER = 'audit-signer'
const LAST = 'last'

/** So that ids are in the order of numbers. */
const idOf = (number: number): string => String(number).padStart(12, '0')

interface AuditPorts {
  readonly store: Pick<Ledger, 'commit'> & Documents & Pick<Trail, 'chain' | 'chainHead'>
  readonly clock: Clock
}

const portsKind = record<AuditPorts>(
  {
    store: kinds.store('commit', 'document', 'documents', 'chain', 'chainHead'),
    clock: needed(kinds.clock),
  },
  { open: true },
)

/** The audit log of a connection by its name. Throws `config_invalid` for wrong options. */
export function auditLog(name: string, ports: AuditPorts): AuditLog {
  checkOptions('auditLog', ['name', name, needed(connectionName)], ['ports', ports, portsKind])
  const { store, clock } = ports
  const connection = checkedConnection(name)
  async function signingKey(): Promise<SigningKey> {
    for (;;) {
      const { value, revision } = await store.document(connection, KEY, SIGNER)
      // Only the write below makes it.
      if (value !== undefined) return value as unknown as SigningKey
      const made = await newSigningKey()
      const write = { kind: KEY, id: SIGNER, value: { ...made }, expect: { revision } }
      if ((await store.commit({ connection, documents: [write] })) === 'done') return made
    }
  }
  let signing: Promise<Signer> | undefined
  const sign = (): Promise<Signer> => {
    signing ??= signingKey().then(createSigner)
    signing.catch(() => (signing = undefined))
    return signing
  }

  async function latest(): Promise<{ readonly last?: Checkpoint; readonly revision: number }> {
    const { value, revision } = await store.document(connection, CHECKPOINT, LAST)
    const last = checkpointOf(value)
    return { revision, ...(last ? { last } : {}) }
  }

  async function checkpoint(): Promise<Checkpoint> {
    const key = await sign()
    for (;;) {
      const { last, revision } = await latest()
      const head = await store.chainHead(connection)
      if (last && last.count === head.count && last.hash === head.hash) return last
      const number = (last?.number ?? 0) + 1
      const made = await signedCheckpoint(connection, number, head, clock.wall(), key)
      const value: Json = { ...made }
      const documents = [
        { kind: CHECKPOINT, id: LAST, value, expect: { revision } },
        { kind: CHECKPOINT, id: idOf(number), value, expect: { revision: 0 } },
      ]
      if ((await store.commit({ connection, documents })) === 'done') return made
    }
  }

  async function backlog(most: number): Promise<number> {
    const { last } = await latest()
    const { count } = await store.chainHead(connection)
    return Math.min(Math.max(0, count - (last?.count ?? 0)), most)
  }

  async function isDue(): Promise<boolean> {
    const { last } = await latest()
    const { count } = await store.chainHead(connection)
    if (count <= (last?.count ?? 0)) return false
    if (!last || count >= last.count + EVERY_RECORDS) return true
    const [at, now] = [Date.parse(last.at), clock.wall()]
    return now - at >= EVERY || isAhead(at, now)
  }

  async function* records(until = Number.POSITIVE_INFINITY): AsyncGenerator<ChainedRecord> {
    for (let after = 0; ; ) {
      const page = await store.chain(connection, { after, limit: PAGE })
      for (const { event, ...place } of page.links) {
        if (place.count > until) return
        yield { ...place, record: auditRecord(event) }
      }
      if (page.next === undefined) return
      after = page.next
    }
  }

  async function stored(): Promise<readonly Checkpoint[]> {
    const all: Checkpoint[] = []
    for (let after: string | undefined; ; ) {
      const page = await store.documents(connection, {
        kind: CHECKPOINT,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      })
      all.push(...page.documents.filter(({ id }) => id !== LAST).flatMap(({ value }) => checkpointOf(value) ?? []))
      if (page.next === undefined) return all
      after = page.next
    }
  }

  return {
    records,
    checkpoint,
    backlog,
    run: (signal, observer) =>
      repeated(
        async () => {
          if (await isDue()) await checkpoint()
          return LOOK
        },
        { clock, signal, observer },
      ),
    async verify(kept = []) {
      // In this order: what comes meanwhile is more than what is expected, and nothing is missing.
      const { last } = await latest()
      const own = await stored()
      const head = await store.chainHead(connection)
      const fault = numberFault(own, last) ?? (await keyFault([...own, ...kept], sign))
      return fault ?? verifyChain(records(), { connection, head, checkpoints: [...own, ...kept] })
    },
  }
}

/** Checkpoints are numbered without gaps, and the last one is known: none can be taken away unseen. */
function numberFault(own: readonly Checkpoint[], last: Checkpoint | undefined): ChainVerdict | undefined {
  const expected = last?.number ?? own.length
  for (let at = 0; at < Math.max(expected, own.length); at += 1) {
    if (own[at]?.number === at + 1) continue
    return broken(own[at]?.count ?? last?.count ?? 0, `Checkpoint ${at + 1} is missing from the store.`)
  }
  return undefined
}

/** Only the store's own key vouches for its chain. */
async function keyFault(
  checkpoints: readonly Checkpoint[],
  sign: () => Promise<Signer>,
): Promise<ChainVerdict | undefined> {
  if (checkpoints.length === 0) return undefined
  const { publicKey, keyId } = await sign()
  const foreign = checkpoints.find((checkpoint) => checkpoint.publicKey !== publicKey)
  return (
    foreign &&
    broken(
      foreign.count,
      `Checkpoint ${foreign.number} is signed with key ${foreign.keyId}, and this store signs with ${keyId}.`,
    )
  )
}

const broken = (count: number, message: string): ChainVerdict => brokenChain(count, 'checkpoint', message)
