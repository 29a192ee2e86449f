import { describe, expect, it } from 'vitest'
import { type AuditLog, auditLog } from '../../src/audit/audit-log.ts'
import type { Checkpoint } from '../../src/audit/checkpoint.ts'
import { auditExport, verifyExport } from '../../src/audit/export.ts'
import { pruneChain, removePruned, setBase } from '../../src/audit/prune-chain.ts'
import { DAY } from '../../src/domain/time.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'

const ALL = Number.POSITIVE_INFINITY

/** Three days of four records each; a checkpoint at the end of each day. */
async function world() {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  const log = auditLog(HOME, { store, clock })
  const checkpoints: Checkpoint[] = []
  for (let day = 0; day < 3; day += 1) {
    const events = [1, 2, 3, 4].map((nth) => event(`${day}${nth}`, { at: clock.wall() }))
    await store.commit({ connection: HOME, events })
    checkpoints.push(await log.checkpoint())
    await clock.advance(DAY)
  }
  const parts = { connection: HOME, store, clock, random: seededRandom(1), actor: 'retention' }
  return { clock, store, log, checkpoints, parts, before: (days: number) => clock.wall() - days * DAY }
}

const linesOf = async (log: AuditLog, until?: Checkpoint): Promise<string[]> => {
  const lines: string[] = []
  for await (const line of auditExport(HOME, log, until)) lines.push(JSON.stringify(line))
  return lines
}

const firstOf = async (store: Store): Promise<number | undefined> =>
  (await store.chain(HOME, { limit: 1 })).links[0]?.count

describe('a pruned audit log', () => {
  it('loses the records before a time up to a checkpoint, and records which ones', async () => {
    const { store, log, parts, checkpoints, before } = await world()
    expect(await pruneChain(parts, { before: before(1.5), most: ALL })).toBe(8)
    expect(await firstOf(store)).toBe(9)
    const { links } = await store.chain(HOME, { limit: 99 })
    const [, second] = checkpoints
    expect(links.at(-1)?.event).toMatchObject({
      type: 'AUDIT_PRUNED',
      actor: 'retention',
      subject: second?.keyId,
      data: { count: 8, hash: second?.hash, checkpoint: 2 },
    })
    expect(await log.verify()).toMatchObject({ valid: true, from: 9, count: 13, anchored: 12 })
    expect(await log.base()).toEqual(second)
    const { documents } = await store.documents(HOME, { kind: 'checkpoint', limit: 9 })
    expect(documents.map(({ id }) => id)).toEqual(['000000000003', 'last'])
  })

  it('keeps records that are younger, unsigned, or not in the roll-ups', async () => {
    const { store, parts, before } = await world()
    expect(await pruneChain(parts, { before: before(4), most: ALL })).toBe(0)
    expect(await pruneChain(parts, { before: before(1.5), most: 7 })).toBe(4)
    await store.commit({ connection: HOME, events: [event('99', { at: before(9) })] })
    expect(await pruneChain(parts, { before: before(0), most: ALL })).toBe(8)
    expect(await firstOf(store)).toBe(13)
  })

  it('judges records by their own time, if their checkpoint was made much later', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock })
    const log = auditLog(HOME, { store, clock })
    const parts = { connection: HOME, store, clock, random: seededRandom(1), actor: 'retention' }
    await store.commit({ connection: HOME, events: [event('1', { at: clock.wall() - 500 * DAY })] })
    await log.checkpoint()
    expect(await pruneChain(parts, { before: clock.wall() - 600 * DAY, most: ALL })).toBe(0)
    expect(await pruneChain(parts, { before: clock.wall() - 400 * DAY, most: ALL })).toBe(1)
  })

  it('goes on where a process was killed after the base was set', async () => {
    const { store, log, parts, checkpoints } = await world()
    expect(await setBase(parts, checkpoints[1] as Checkpoint)).toBe(true)
    expect(await log.verify()).toMatchObject({ valid: true, from: 9 })
    await store.prune(HOME, { through: 8, limit: 3 })
    expect(await log.verify()).toMatchObject({ valid: true, from: 9 })
    expect(await removePruned(parts)).toBe(5)
    expect(await setBase(parts, checkpoints[0] as Checkpoint)).toBe(false)
    expect(await log.verify()).toMatchObject({ valid: true, from: 9 })
  })

  it('shows a removed record after its base, and a base that was removed', async () => {
    const { clock, store, parts, before } = await world()
    await pruneChain(parts, { before: before(1.5), most: ALL })
    const without = (first: number): Store => ({
      ...store,
      chain: async (connection, page) => {
        const { links, ...next } = await store.chain(connection, page)
        return { links: links.filter(({ count }) => count !== first), ...next }
      },
    })
    const broken = auditLog(HOME, { store: without(9), clock })
    expect(await broken.verify()).toMatchObject({ valid: false, count: 9, reason: 'missing' })
    const document: Store['document'] = async (connection, kind, id) =>
      kind === 'chain-base' ? { revision: 0 } : store.document(connection, kind, id)
    const bare = auditLog(HOME, { store: { ...store, document }, clock })
    expect(await bare.verify()).toMatchObject({ valid: false, reason: 'checkpoint' })
  })

  it('is compared with kept checkpoints after its base; those before it must be of the same chain', async () => {
    const { log, parts, checkpoints, before } = await world()
    await pruneChain(parts, { before: before(1.5), most: ALL })
    expect(await log.verify(checkpoints)).toMatchObject({ valid: true })
    const other = await world()
    expect(await log.verify(other.checkpoints)).toMatchObject({ valid: false, reason: 'checkpoint' })
  })

  it('is exported with its base, and such a file verifies by itself', async () => {
    const { log, parts, checkpoints, before } = await world()
    const whole = await linesOf(log)
    await pruneChain(parts, { before: before(1.5), most: ALL })
    const lines = await linesOf(log)
    expect(JSON.parse(lines[0] ?? '')).toEqual({ base: checkpoints[1], signature: expect.any(String) })
    expect(await verifyExport(lines)).toMatchObject({ valid: true, from: 9, count: 13, anchored: 13 })
    expect(await verifyExport(lines, checkpoints)).toMatchObject({ valid: true, from: 9 })
    expect(await verifyExport(whole)).toMatchObject({ valid: true, count: 12 })
    expect(await verifyExport(lines.toSpliced(1, 1))).toMatchObject({
      valid: false,
      count: 9,
      reason: 'missing',
      line: 2,
    })
    expect(await verifyExport(lines.slice(1))).toMatchObject({ valid: false, count: 1, reason: 'missing' })
    expect(await verifyExport([lines[1] ?? '', ...lines])).toMatchObject({ valid: false })
    expect(await verifyExport([lines[0] ?? '', ...lines])).toMatchObject({ valid: false, reason: 'malformed', line: 2 })
    const forged = JSON.stringify({ base: { ...checkpoints[1], hash: checkpoints[0]?.hash } })
    expect(await verifyExport([forged, ...lines.slice(1)])).toMatchObject({
      valid: false,
      reason: 'checkpoint',
      line: 1,
    })
  })

  it('is not exported without its first records by anyone who has a signed checkpoint', async () => {
    const { log, parts, checkpoints, before } = await world()
    const [first, second] = checkpoints
    const line = (of: object) => JSON.stringify(of)
    const cut = { valid: false, count: 1, reason: 'missing', line: 1 }
    const whole = await linesOf(log)
    expect(await verifyExport([line({ base: second }), ...whole.slice(8)])).toMatchObject(cut)
    expect(await verifyExport([line({ base: second }), ...whole.slice(8)], checkpoints)).toMatchObject(cut)
    await pruneChain(parts, { before: before(2.5), most: ALL })
    const lines = await linesOf(log)
    const { signature } = JSON.parse(lines[0] ?? '') as { readonly signature: string }
    const archive = await linesOf(log, second)
    expect(await verifyExport(archive)).toMatchObject({ valid: true, from: 5, count: 8 })
    // The signature is of another base, of another end, or gone where no record names the base.
    expect(await verifyExport([line({ base: second, signature }), ...lines.slice(5)])).toMatchObject(cut)
    expect(await verifyExport([line({ base: first, signature }), ...archive.slice(1)])).toMatchObject(cut)
    expect(await verifyExport([line({ base: first }), ...archive.slice(1)])).toMatchObject(cut)
    // As a former version wrote it: the record AUDIT_PRUNED names the base.
    expect(await verifyExport([line({ base: first }), ...lines.slice(1)])).toMatchObject({ valid: true, from: 5 })
    expect(await verifyExport([line({ base: second }), ...lines.slice(5)])).toMatchObject(cut)
  })

  it('is exported from its new base if it is pruned meanwhile, or says to export again', async () => {
    for (const [pruneAt, outcome] of [
      [1, 'done'],
      [2, 'store_busy'],
    ] as const) {
      const { clock, store, parts, checkpoints, before } = await world()
      let reads = 0
      const chain: Store['chain'] = async (connection, { after = 0 }) => {
        reads += 1
        if (reads === pruneAt) await pruneChain(parts, { before: before(1.5), most: ALL })
        return store.chain(connection, { after, limit: 2 })
      }
      const log = auditLog(HOME, { store: { ...store, chain }, clock })
      const lines = await linesOf(log, checkpoints[2]).catch(({ code }: { readonly code: string }) => code)
      if (outcome === 'store_busy') expect(lines).toBe(outcome)
      else expect(await verifyExport(lines)).toMatchObject({ valid: true, from: 9, count: 12 })
    }
  })

  it('exports up to a checkpoint, also with nothing after its base', async () => {
    const { log, parts, checkpoints, before } = await world()
    const archive = await linesOf(log, checkpoints[1])
    expect(archive).toHaveLength(9)
    expect(await verifyExport(archive)).toMatchObject({ valid: true, count: 8 })
    await pruneChain(parts, { before: before(1.5), most: ALL })
    expect(await verifyExport(await linesOf(log, checkpoints[1]))).toMatchObject({ valid: true, count: 8, from: 9 })
  })
})

describe('an audit log that is verified from its last checkpoint', () => {
  it('reads only what came after it', async () => {
    const { clock, store, log, checkpoints } = await world()
    await store.commit({ connection: HOME, events: [event('99')] })
    const reads: (number | undefined)[] = []
    const chain: Store['chain'] = (connection, page) => {
      reads.push(page.after)
      return store.chain(connection, page)
    }
    const documents: Store['documents'] = () => Promise.reject(new Error('It lists checkpoints.'))
    const from = auditLog(HOME, { store: { ...store, chain, documents }, clock })
    expect(await from.verify(checkpoints, { fromLast: true })).toMatchObject({ valid: true, from: 13, count: 13 })
    // The record that each checkpoint names and the one before it, over which its hash is; then what came after.
    expect(reads).toEqual([2, 6, 10, 12])
    expect(await log.verify([], { fromLast: true })).toMatchObject({ valid: true, anchored: 12 })
  })

  it('finds an edited record after it, a cut end, and a kept checkpoint of another chain', async () => {
    const { clock, store, log, checkpoints } = await world()
    await store.commit({ connection: HOME, events: [event('98'), event('99')] })
    const links = (change: (count: number) => boolean, more: object): Store => ({
      ...store,
      chain: async (connection, page) => {
        const found = await store.chain(connection, page)
        const kept = found.links.filter(({ count }) => change(count))
        return {
          ...found,
          links: kept.map((link) => (link.count > 12 ? { ...link, event: { ...link.event, ...more } } : link)),
        }
      },
    })
    const verified = (of: Store) => auditLog(HOME, { store: of, clock }).verify([], { fromLast: true })
    expect(await verified(links(() => true, { subject: 'x' }))).toMatchObject({ reason: 'edited', count: 13 })
    expect(await verified(links((count) => count < 14, {}))).toMatchObject({ reason: 'truncated', count: 14 })
    const other = await world()
    expect(await log.verify(other.checkpoints, { fromLast: true })).toMatchObject({ reason: 'checkpoint' })
    const [first, second] = checkpoints
    const document: Store['document'] = async (connection, kind, id) =>
      id === '000000000001' ? { revision: 1, value: { ...second } } : store.document(connection, kind, id)
    const replaced = auditLog(HOME, { store: { ...store, document }, clock })
    expect(await replaced.verify(first ? [first] : [], { fromLast: true })).toMatchObject({ reason: 'checkpoint' })
  })

  it('finds that the record of a checkpoint was cut off, also after the chain went on', async () => {
    const { clock, store, log, checkpoints } = await world()
    const without = (gone: (count: number) => boolean): Store => ({
      ...store,
      chain: async (connection, page) => {
        const found = await store.chain(connection, { ...page, limit: 1_000 })
        const links = found.links.filter(({ count }) => !gone(count)).slice(0, page.limit)
        const last = links.at(-1)
        return { links, ...(links.length < page.limit || !last ? {} : { next: last.count }) }
      },
    })
    const verdicts = (gone: (count: number) => boolean) =>
      Promise.all(
        [[], checkpoints].map((kept) =>
          auditLog(HOME, { store: without(gone), clock }).verify(kept, { fromLast: true }),
        ),
      )
    const cut = { valid: false, reason: 'truncated', count: 9 }
    expect(await verdicts((count) => count > 8)).toEqual([expect.objectContaining(cut), expect.objectContaining(cut)])
    await store.commit({ connection: HOME, events: [event('98'), event('99')] })
    const missing = { valid: false, reason: 'missing', count: 9, message: expect.stringContaining('checkpoint 3') }
    expect(await verdicts((count) => count > 8 && count < 13)).toEqual([
      expect.objectContaining(missing),
      expect.objectContaining(missing),
    ])
    const [own, kept] = await verdicts((count) => count === 8)
    expect(own).toMatchObject({ valid: true, from: 13 })
    expect(kept).toMatchObject({ valid: false, reason: 'missing', count: 8 })
    expect(await log.verify(checkpoints, { fromLast: true })).toMatchObject({ valid: true, from: 13, count: 14 })
  })

  it('finds that the record of a checkpoint was changed, with its hash or without', async () => {
    const { clock, store } = await world()
    const changed = (more: object, hash?: string): Store => ({
      ...store,
      chain: async (connection, page) => {
        const { links, ...rest } = await store.chain(connection, page)
        const change = (link: (typeof links)[number]) =>
          link.count === 12 ? { ...link, hash: hash ?? link.hash, event: { ...link.event, ...more } } : link
        return { ...rest, links: links.map(change) }
      },
    })
    const verified = (of: Store) => auditLog(HOME, { store: of, clock }).verify([], { fromLast: true })
    expect(await verified(changed({ subject: 'x' }))).toMatchObject({ valid: false, reason: 'edited', count: 12 })
    const rewritten = { valid: false, reason: 'checkpoint', count: 12 }
    expect(await verified(changed({}, '0'.repeat(64)))).toMatchObject(rewritten)
  })

  it('takes a checkpoint whose record was pruned', async () => {
    const { log, parts, checkpoints, before } = await world()
    await pruneChain(parts, { before: before(0), most: ALL })
    expect(await log.verify(checkpoints, { fromLast: true })).toMatchObject({ valid: true, from: 13 })
  })

  it('verifies all records if there is no checkpoint', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock })
    await store.commit({ connection: HOME, events: [event('1'), event('2')] })
    const verdict = await auditLog(HOME, { store, clock }).verify([], { fromLast: true })
    expect(verdict).toMatchObject({ valid: true, count: 2, anchored: 0 })
  })
})
