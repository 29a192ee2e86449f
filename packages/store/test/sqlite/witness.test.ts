import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createHash } from 'node:crypto'
import { auditLog, type Event, Secret, signingSecret, webhookReceiver, webhookRoute, webhooks } from '@guestpass/core'
import { documentKind, type Http, systemClock } from '@guestpass/core/runtime-kit'
import { auditRecord, type ChainHead, EMPTY_CHAIN, linkText } from '@guestpass/core/store-kit'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { SealedStore } from '../../src/sqlite/index.ts'
import { inFolder, openStore, random } from '../helpers/open-store.ts'

const CONNECTION = 'default'
const clock = systemClock()
const secret = new Secret(signingSecret(random))
const never = new AbortController().signal
const RECORDS = 30

const eventOf = (nth: number): Event => ({
  id: random.uuid(),
  type: 'KEYS_ROTATED',
  outcome: 'success',
  at: clock.wall(),
  actor: 'library',
  connection: CONNECTION,
  subject: `subject-${nth}`,
  generation: 1,
  correlationId: 'one',
  data: { keys: nth, values: 1 },
})

/** A receiver of its own process, which outlives the store. */
function startReceiver() {
  const reasons: string[] = []
  const receiver = webhookReceiver({ secrets: [secret], onBrokenChain: ({ reason }) => void reasons.push(reason) })
  let taken = 0
  const handle = receiver.handler(() => void (taken += 1))
  const http: Http = async ({ headers, body = '' }) => {
    const { status } = await handle(new Request('https://receiver.example/', { method: 'POST', headers, body }))
    return { status, headers: {}, bytes: new Uint8Array() }
  }
  return { http, reasons, taken: () => taken }
}

async function deliver(store: SealedStore, http: Http, nth: number): Promise<void> {
  await store.commit({ connection: CONNECTION, events: [eventOf(nth)] })
  const configured = [
    {
      id: 'one',
      url: 'https://receiver.example/',
      contract: 'standard' as const,
      includeToken: false,
      secrets: [secret],
    },
  ]
  await webhooks({ connection: CONNECTION, configured }, { store, clock, random, http, guardedHttp: http }).drain(never)
}

type How = 'edit' | 'remove' | 'cut'

/** Changes the chain at one record, and computes all hashes after it anew, as one can who has the whole database. */
function rebuildChain(path: string, at: number, how: How): void {
  const db = new DatabaseSync(path)
  const rows = db.prepare('select count, id, body from events where connection = ? order by count').all(CONNECTION)
  const all = rows.map(({ body }) => JSON.parse(String(body)) as Event)
  const changed = { ...all[at], subject: 'mallory' } as Event
  const kept = how === 'cut' ? all.slice(0, at) : how === 'edit' ? all.with(at, changed) : all.toSpliced(at, 1)
  db.exec('begin; delete from events')
  let head: ChainHead = EMPTY_CHAIN
  for (const event of kept) {
    const hash = createHash('sha256')
      .update(linkText(CONNECTION, head, auditRecord(event)))
      .digest('hex')
    head = { chain: 0, count: head.count + 1, hash }
    db.prepare(
      'insert into events (connection, chain, count, version, hash, id, body) values (?, 0, ?, 2, ?, ?, ?)',
    ).run(CONNECTION, head.count, hash, event.id, JSON.stringify(event))
  }
  db.prepare('update chain_heads set count = ?, hash = ? where connection = ?').run(head.count, head.hash, CONNECTION)
  db.exec('commit')
  db.close()
}

/** Removes all checkpoints, and signs the chain with the store's own key as if it had always been so. */
async function signAnew(store: SealedStore): Promise<void> {
  const { documents } = await store.documents(CONNECTION, { kind: documentKind.checkpoint, limit: 1_000 })
  const removals = documents.map(({ id, revision }) => ({ kind: documentKind.checkpoint, id, expect: { revision } }))
  await store.commit({ connection: CONNECTION, documents: removals })
  await auditLog(CONNECTION, { store, clock }).checkpoint()
}

/** What else is written after the chain was rebuilt. */
const covers: Readonly<Record<string, (store: SealedStore) => Promise<void>>> = {
  'leaves the checkpoints': async () => {},
  'signs the chain anew': signAnew,
  'makes the next checkpoint': async (store) => void (await auditLog(CONNECTION, { store, clock }).checkpoint()),
  async 'hides what was acknowledged'(store) {
    const { revision } = await store.document(CONNECTION, documentKind.acknowledgedCheckpoint, 'one')
    const write = { kind: documentKind.acknowledgedCheckpoint, id: 'one', expect: { revision } }
    await store.commit({ connection: CONNECTION, documents: [write] })
    await store.commit({ connection: CONNECTION, events: [eventOf(0)] })
    await auditLog(CONNECTION, { store, clock }).checkpoint()
  },
}

/** A store with three checkpoints that the receiver saw. Resolves to how many records the last one covers. */
async function fill(path: string, http: Http): Promise<number> {
  const store = await openStore(path, { clock, route: webhookRoute })
  let covered = 0
  for (let nth = 0; nth < RECORDS; nth += 10) {
    await store.commit({ connection: CONNECTION, events: Array.from({ length: 10 }, (_, at) => eventOf(nth + at)) })
    covered = (await auditLog(CONNECTION, { store, clock }).checkpoint()).count
    await deliver(store, http, nth)
  }
  await store.close()
  return covered
}

it('a chain that was rebuilt and signed anew at any record is reported by one receiver at the next delivery', () =>
  inFolder(async (folder) => {
    const original = join(folder, 'original.db')
    const { http: first, taken } = startReceiver()
    const wire: Parameters<Http>[0][] = []
    const recording: Http = (request, signal) => {
      wire.push(request)
      return first(request, signal)
    }
    const covered = await fill(original, recording)
    expect(taken()).toBe(wire.length)

    let runs = 0
    const place = fc.nat({ max: covered - 1 })
    const how = fc.constantFrom<How>('edit', 'remove', 'cut')
    const cover = fc.constantFrom(...Object.keys(covers))
    await fc.assert(
      fc.asyncProperty(place, how, cover, async (at, change, name) => {
        const path = join(folder, `${(runs += 1)}.db`)
        await copyFile(original, path)
        const receiver = startReceiver()
        for (const request of wire) await receiver.http(request, never)
        const before = receiver.taken()
        rebuildChain(path, at, change)
        const store = await openStore(path, { clock, route: webhookRoute })
        await covers[name]?.(store)
        await deliver(store, receiver.http, 1)
        await store.close()
        expect(receiver.reasons).not.toEqual([])
        expect(receiver.taken()).toBeGreaterThan(before)
      }),
      { numRuns: 12, examples: Object.keys(covers).map((name): [number, How, string] => [covered - 1, 'edit', name]) },
    )

    // A chain that was not changed is not reported.
    const honest = startReceiver()
    for (const request of wire) await honest.http(request, never)
    const store = await openStore(original, { clock, route: webhookRoute })
    await auditLog(CONNECTION, { store, clock }).checkpoint()
    await deliver(store, honest.http, 1)
    await store.close()
    expect(honest.reasons).toEqual([])
  }))
