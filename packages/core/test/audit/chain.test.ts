import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AuditLog, auditLog } from '../../src/audit/audit-log.ts'
import type { Checkpoint } from '../../src/audit/checkpoint.ts'
import { auditExport, verifyExport } from '../../src/audit/export.ts'
import { type ChainedRecord, verifyChain } from '../../src/audit/verify-chain.ts'
import { auditRecord } from '../../src/domain/audit-record.ts'
import { linkText, EMPTY_CHAIN } from '../../src/domain/chain.ts'
import { MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { Link, Store } from '../../src/ports/store.ts'
import { sha256Hex } from '../../src/ports/system.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, settle } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'
import { recordingObserver } from '../world/recording-observer.ts'

async function world(count = 6) {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  const log = auditLog(HOME, { store, clock })
  let last = 0
  const commit = async (more: number): Promise<void> => {
    const events = Array.from({ length: more }, () => event(`${(last += 1)}`, { data: { nth: last, of: ['a', 'b'] } }))
    await store.commit({ connection: HOME, events })
  }
  if (count > 0) await commit(count)
  return { clock, store, log, commit }
}

const all = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}

const linesOf = async (log: AuditLog): Promise<string[]> =>
  (await all(auditExport(HOME, log))).map((line) => JSON.stringify(line))

/** Chains the records anew, as an attacker would who can write all rows but has no key. */
async function rewritten(records: readonly ChainedRecord[]): Promise<ChainedRecord[]> {
  let head = EMPTY_CHAIN
  const chained: ChainedRecord[] = []
  for (const { record } of records) {
    head = { chain: 0, count: head.count + 1, hash: await sha256Hex(linkText(HOME, head, record)) }
    chained.push({ record, version: 2, ...head })
  }
  return chained
}

/** A store whose chain was tampered with. */
const tampered = (store: Store, change: (links: readonly Link[]) => readonly Link[]): Store => ({
  ...store,
  chain: async (connection, page) => {
    const { links } = await store.chain(connection, { limit: 1000 })
    return { links: change(links).filter(({ count }) => count > (page.after ?? 0)) }
  },
})

describe('an audit log', () => {
  it('that was not changed is valid, also without records, and over many pages', async () => {
    const { log, commit } = await world(0)
    expect(await log.verify()).toEqual({ valid: true, count: 0, hash: '', anchored: 0 })
    for (let nth = 0; nth < 5; nth += 1) await commit(500)
    expect(await log.verify()).toMatchObject({ valid: true, count: 2_500, anchored: 0 })
    await log.checkpoint()
    expect(await log.verify()).toMatchObject({ valid: true, anchored: 2_500 })
  })

  const change = (links: readonly Link[], nth: number, more: object): readonly Link[] =>
    links.map((link, at) => (at === nth ? { ...link, event: { ...link.event, ...more } } : link))

  it.each<[string, (links: readonly Link[]) => readonly Link[], number, string]>([
    ['an edited record', (links) => change(links, 2, { outcome: 'failure' }), 3, 'edited'],
    [
      'a record of which a detail was edited',
      (links) => change(links, 2, { data: { nth: 3, of: ['b', 'a'] } }),
      3,
      'edited',
    ],
    ['a removed record', (links) => links.toSpliced(2, 1), 3, 'missing'],
    ['several removed records', (links) => links.toSpliced(2, 2), 3, 'missing'],
    ['a removed first record', (links) => links.slice(1), 1, 'missing'],
    [
      'two records that changed places',
      (links) => [...links.slice(0, 2), ...links.slice(2, 4).toReversed(), ...links.slice(4)],
      3,
      'reordered',
    ],
    ['a record that is there twice', (links) => links.toSpliced(3, 0, ...links.slice(1, 2)), 2, 'reordered'],
    [
      'two contents that changed places',
      (links) => links.map((link, at) => ({ ...link, event: links[[0, 2, 1, 3, 4, 5][at] ?? 0]?.event ?? link.event })),
      2,
      'edited',
    ],
    ['a truncated tail', (links) => links.slice(0, 4), 5, 'truncated'],
    ['no records at all', () => [], 1, 'truncated'],
  ])('shows %s', async (_, how, count, reason) => {
    const { store, clock } = await world()
    const log = auditLog(HOME, { store: tampered(store, how), clock })
    expect(await log.verify()).toMatchObject({ valid: false, count, reason })
  })

  it('shows any single change of any record', async () => {
    const { log } = await world(8)
    const records = await all(log.records())
    const places = fc.nat({ max: 7 })
    const checkpoint = await log.checkpoint()
    const members = Object.keys(records[0]?.record ?? {})
    const mutation = fc.oneof(
      fc.tuple(places, fc.constantFrom(...members), fc.string()).map(
        ([at, member, text]) =>
          (list: ChainedRecord[]) =>
            list.map((one, nth) =>
              nth === at ? { ...one, record: { ...one.record, [member]: `changed ${text}` } } : one,
            ),
      ),
      places.map((at) => (list: ChainedRecord[]) => list.toSpliced(at, 1)),
      fc
        .tuple(places, places)
        .filter(([a, b]) => a !== b)
        .map(
          ([a, b]) =>
            (list: ChainedRecord[]) =>
              list.map((one, nth) => list[nth === a ? b : nth === b ? a : nth] ?? one),
        ),
      fc.nat({ max: 7 }).map((keep) => (list: ChainedRecord[]) => list.slice(0, keep)),
      fc.tuple(places, places).map(
        ([from, to]) =>
          (list: ChainedRecord[]) =>
            list.toSpliced(to, 0, ...list.slice(from, from + 1)),
      ),
      fc.tuple(places, fc.nat({ max: 63 })).map(
        ([at, digit]) =>
          (list: ChainedRecord[]) =>
            list.map((one, nth) => {
              const other = one.hash[digit] === '0' ? '1' : '0'
              return nth === at ? { ...one, hash: one.hash.slice(0, digit) + other + one.hash.slice(digit + 1) } : one
            }),
      ),
    )
    await fc.assert(
      fc.asyncProperty(mutation, async (mutate) => {
        const verdict = await verifyChain(mutate(records), { connection: HOME, checkpoints: [checkpoint] })
        expect(verdict.valid).toBe(false)
      }),
      { numRuns: 300 },
    )
    expect(await verifyChain(records, { connection: HOME, checkpoints: [checkpoint] })).toMatchObject({ valid: true })
  })

  it('of one connection is not that of another', async () => {
    const { log } = await world()
    expect(await verifyChain(log.records(), { connection: 'neighbour' })).toMatchObject({ valid: false, count: 1 })
  })
})

describe('a checkpoint', () => {
  it('is made once for one end of the chain, and numbered without gaps', async () => {
    const { log, commit } = await world()
    const first = await log.checkpoint()
    expect(first).toMatchObject({ connection: HOME, number: 1, count: 6, at: '2026-01-01T00:00:00.000Z' })
    expect(await log.checkpoint()).toEqual(first)
    await commit(1)
    expect(await log.checkpoint()).toMatchObject({ number: 2, count: 7, publicKey: first.publicKey })
  })

  it('is made by many processes at once as one, with one key', async () => {
    const { store, clock } = await world()
    const made = await Promise.all(Array.from({ length: 5 }, () => auditLog(HOME, { store, clock }).checkpoint()))
    expect(new Set(made.map(({ number, signature }) => `${number} ${signature}`)).size).toBe(1)
  })

  it('shows that all was written anew, up to it', async () => {
    const { log, commit } = await world()
    const kept = await log.checkpoint()
    await commit(2)
    const records = await all(log.records())
    const forged = await rewritten(
      records.map((one, at) => (at === 1 ? { ...one, record: { ...one.record, actor: 'x' } } : one)),
    )
    expect(await verifyChain(forged, { connection: HOME })).toMatchObject({ valid: true })
    expect(await verifyChain(forged, { connection: HOME, checkpoints: [kept] })).toMatchObject({
      valid: false,
      count: 6,
      reason: 'checkpoint',
    })
  })

  it('that was kept elsewhere shows that the end was cut off, when nothing in the store does', async () => {
    const { store, clock, log } = await world()
    const kept = await log.checkpoint()
    const short = auditRecord(event('1'))
    const other = memoryStore({ clock })
    await other.commit({ connection: HOME, events: [event('1')] })
    const key = await store.document(HOME, 'key', 'audit-signer')
    const write = { kind: 'key', id: 'audit-signer', value: key.value ?? null, expect: { revision: 0 } }
    await other.commit({ connection: HOME, documents: [write] })
    const cut = auditLog(HOME, { store: other, clock })
    expect(await cut.verify()).toMatchObject({ valid: true, count: 1 })
    expect(await cut.verify([kept])).toMatchObject({ valid: false, count: 2, reason: 'truncated' })
    expect(short.eventId).toBe(event('1').id)
  })

  it.each<[string, (one: Checkpoint) => Partial<Checkpoint>]>([
    ['count', ({ count }) => ({ count: count - 1 })],
    ['hash', () => ({ hash: '0'.repeat(64) })],
    ['number', () => ({ number: 9 })],
    ['time', () => ({ at: '2020-01-01T00:00:00.000Z' })],
    ['signature', ({ signature }) => ({ signature: `A${signature.slice(1)}` })],
    ['signature that is none', () => ({ signature: '!' })],
    ['key', () => ({ publicKey: 'A'.repeat(43) })],
    ['key id', () => ({ keyId: '0'.repeat(16) })],
    ['connection', () => ({ connection: 'neighbour' })],
  ])('with another %s is refused', async (_, change) => {
    const { log } = await world()
    const kept = await log.checkpoint()
    expect(await log.verify([kept])).toMatchObject({ valid: true })
    expect(await log.verify([{ ...kept, ...change(kept) }])).toMatchObject({ valid: false, reason: 'checkpoint' })
  })

  it('signed with the key of another store is refused', async () => {
    const { log } = await world()
    const { log: other } = await world()
    await log.checkpoint()
    expect(await log.verify([await other.checkpoint()])).toMatchObject({ valid: false, reason: 'checkpoint' })
  })

  it.each([1, 2, 3])('number %i of three cannot be taken away unseen', async (number) => {
    const { log, store, commit } = await world()
    for (let nth = 0; nth < 3; nth += 1) {
      await commit(1)
      await log.checkpoint()
    }
    const id = String(number).padStart(12, '0')
    const { revision } = await store.document(HOME, 'checkpoint', id)
    await store.commit({ connection: HOME, documents: [{ kind: 'checkpoint', id, expect: { revision } }] })
    expect(await log.verify()).toMatchObject({ valid: false, reason: 'checkpoint' })
  })

  it('that cannot be signed or stored is reported, and made when it can be', async () => {
    const { commit, clock, store } = await world(1)
    let failing = true
    const full = new GuestpassError('store_unavailable', 'The disk is full.')
    const log = auditLog(HOME, {
      clock,
      store: { ...store, commit: (change) => (failing ? Promise.reject(full) : store.commit(change)) },
    })
    const observed = recordingObserver()
    const stop = new AbortController()
    const running = log.run(stop.signal, observed.observer)
    await expect.poll(async () => (await clock.advance(SECOND), observed.calls.length)).toBeGreaterThan(1)
    expect(new Set(observed.calls)).toEqual(new Set(['store_unavailable']))
    failing = false
    await expect.poll(async () => (await clock.advance(SECOND), observed.last())).toBe('succeeded')
    expect((await store.documents(HOME, { kind: 'checkpoint', limit: 9 })).documents).toHaveLength(2)
    await commit(1)
    stop.abort()
    await running
  })

  it('is made after 1000 records and after ten minutes, by any process that runs, and not without records', async () => {
    const { log, commit, clock, store } = await world(0)
    const count = async (): Promise<number> =>
      (await store.documents(HOME, { kind: 'checkpoint', limit: 99 })).documents.length
    const stop = new AbortController()
    const running = log.run(stop.signal)
    await clock.advance(20 * MINUTE)
    expect(await count()).toBe(0)
    /** Signing takes as long as it takes; meanwhile the clock creeps. */
    const until = async (many: number): Promise<void> => {
      await expect.poll(async () => (await clock.advance(SECOND), await count()), { timeout: 20_000 }).toBe(many)
    }
    await commit(1)
    await until(2)
    await commit(999)
    await clock.advance(MINUTE)
    await settle()
    expect(await count()).toBe(2)
    await commit(1)
    await until(3)
    await commit(1)
    await clock.advance(9 * MINUTE)
    expect(await count()).toBe(3)
    await clock.advance(2 * MINUTE)
    await until(4)
    // One from the future was made by a clock that was ahead.
    clock.stepWall(-60 * MINUTE)
    await commit(1)
    await until(5)
    stop.abort()
    await running
  })
})

describe('an export', () => {
  it('holds every record with its place and ends with the signed checkpoint', async () => {
    const { log } = await world(3)
    const lines = (await linesOf(log)).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toMatchObject([
      { chain: { count: 1 } },
      { chain: { count: 2 } },
      { chain: { count: 3 } },
      { checkpoint: { count: 3 } },
    ])
    expect(Object.keys(lines[0] ?? {})).toContain('eventType')
  })

  it('verifies by itself, and against a checkpoint that was kept elsewhere', async () => {
    const { log, commit } = await world(3)
    const kept = await log.checkpoint()
    await commit(2)
    const lines = await linesOf(log)
    expect(await verifyExport(lines)).toMatchObject({ valid: true, count: 5, anchored: 5, keyId: kept.keyId })
    expect(await verifyExport(lines, [kept])).toMatchObject({ valid: true, count: 5 })
    const { log: none } = await world(0)
    expect(await verifyExport(await linesOf(none))).toMatchObject({ valid: true, count: 0 })
  })

  it.each<[string, (lines: string[]) => string[], string, number]>([
    [
      'an edited record',
      (lines) => lines.map((line, at) => (at === 1 ? line.replace('"success"', '"failure"') : line)),
      'edited',
      2,
    ],
    [
      'an added member',
      (lines) => lines.map((line, at) => (at === 1 ? line.replace('{', '{"more":1,') : line)),
      'malformed',
      2,
    ],
    ['a removed record', (lines) => lines.toSpliced(1, 1), 'missing', 2],
    [
      'records that changed places',
      (lines) => [lines[0], lines[2], lines[1], ...lines.slice(3)].map(String),
      'reordered',
      2,
    ],
    ['a removed checkpoint', (lines) => lines.slice(0, -1), 'truncated', 5],
    ['a truncated tail', (lines) => lines.toSpliced(3, 2), 'truncated', 4],
    ['a line cut short', (lines) => lines.map((line, at) => (at === 2 ? line.slice(0, 40) : line)), 'malformed', 3],
    ['a line that is no record', (lines) => lines.toSpliced(2, 0, '{"hello":1}'), 'malformed', 3],
    ['something behind its end', (lines) => [...lines, lines[0] ?? ''], 'malformed', 7],
    ['nothing', () => [], 'truncated', 0],
  ])('with %s is refused, by the line', async (_, change, reason, line) => {
    const { log } = await world(5)
    const verdict = await verifyExport(change(await linesOf(log)))
    expect(verdict).toMatchObject({ valid: false, reason })
    expect('line' in verdict ? verdict.line : line).toBe(line)
  })

  it('of which records were cut off before the checkpoint is refused', async () => {
    const { log } = await world(5)
    const lines = await linesOf(log)
    expect(await verifyExport([...lines.slice(0, 3), ...lines.slice(-1)])).toMatchObject({
      reason: 'truncated',
      count: 4,
    })
  })

  it('of nothing does not pass for one of what a checkpoint knew', async () => {
    const { log, store, clock, commit } = await world(0)
    const empty = await linesOf(log)
    await commit(3)
    const kept = await auditLog(HOME, { store, clock }).checkpoint()
    expect(await verifyExport(empty)).toMatchObject({ valid: true, count: 0 })
    expect(await verifyExport(empty, [kept])).toMatchObject({ valid: false, reason: 'truncated', count: 1 })
  })

  it('that was forged with a key of their own is refused by a checkpoint that was kept elsewhere', async () => {
    const { log } = await world(5)
    const { log: forged } = await world(5)
    expect(await verifyExport(await linesOf(forged), [await log.checkpoint()])).toMatchObject({ reason: 'checkpoint' })
  })

  it('ends where its checkpoint does, whatever comes meanwhile', async () => {
    const { log, commit } = await world(3)
    const lines: unknown[] = []
    for await (const line of auditExport(HOME, log)) {
      lines.push(line)
      if (lines.length === 1) await commit(5)
    }
    expect(lines).toHaveLength(4)
    expect(await verifyExport(lines.map((line) => JSON.stringify(line)))).toMatchObject({ valid: true, count: 3 })
  })

  it('is not made of a chain that is broken', async () => {
    const { store, clock } = await world()
    const log = auditLog(HOME, { store: tampered(store, (links) => links.toSpliced(2, 1)), clock })
    await expect(all(auditExport(HOME, log))).rejects.toMatchObject({ code: 'audit_broken' })
  })
})
