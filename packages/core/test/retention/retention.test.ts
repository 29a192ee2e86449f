import { describe, expect, it } from 'vitest'
import { auditLog } from '../../src/audit/audit-log.ts'
import { type RetentionOptions, retention } from '../../src/retention/retention.ts'
import { DAY, HOUR } from '../../src/domain/time.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { report } from '../../src/report/report.ts'
import { why } from '../../src/why/why.ts'
import type { Store } from '../../src/ports/store.ts'
import { ann, EMAIL, applicantWorld, expectNothingPersonal } from '../world/applicant-world.ts'
import { ID, issued, request } from '../world/refresh-world.ts'
import { outcome } from '../world/world.ts'

const AGES = { eventsMs: 400 * DAY, endedGuestsMs: 30 * DAY }

const worker = (
  { store, clock }: { readonly store: Store; readonly clock: Parameters<typeof retention>[1]['clock'] },
  ages: RetentionOptions = AGES,
) => retention('default', { store, clock, random: seededRandom(7) }, ages)

const rowsOf = async (store: Store): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries((await store.sizes('default')).kinds.map(({ kind, rows }) => [kind, rows]))

/** A guest whose token expired 31 days ago, and that retention removed. */
async function removed(end: (of: Awaited<ReturnType<typeof issued>>) => Promise<unknown> = async () => undefined) {
  const here = await issued()
  await end(here)
  const before = await here.row()
  await here.clock.advance(31 * DAY)
  expect((await worker(here).pass()).guests).toBe(1)
  expect(await here.row()).toBe(undefined)
  return { ...here, before }
}

describe('retention of ended guests', () => {
  it('removes a guest so many days after its last token, not before', async () => {
    const here = await issued()
    await here.clock.advance(30 * DAY)
    expect((await worker(here).pass()).guests).toBe(0)
    await here.clock.advance(2 * HOUR)
    expect((await worker(here).pass()).guests).toBe(1)
    expect(await rowsOf(here.store)).toMatchObject({ 'documents/tombstone': 1 })
    expect((await rowsOf(here.store))['guests']).toBe(undefined)
    const event = (await here.events()).at(-1)
    expect(event).toMatchObject({
      type: 'GUEST_REMOVED',
      generation: 1,
      data: { api: 'guest-tokens', status: 'active' },
    })
  })

  it('keeps all for ever if no age is given', async () => {
    const here = await issued()
    await auditLog('default', here).checkpoint()
    await here.clock.advance(3_000 * DAY)
    expect(await worker(here, {}).pass()).toEqual({ events: 0, guests: 0 })
  })

  it('lets a guest who comes back go on counting with the same subject', async () => {
    const { guests, before, row } = await removed()
    expect(await guests.issue(request)).toMatchObject({ generation: 2 })
    expect(await row()).toMatchObject({ subject: before?.subject, generation: 2, createdAt: before?.createdAt })
  })

  it('lets one come back in a store of a class, whose methods are those of its prototype', async () => {
    const { store, process } = await removed()
    const { guests } = await process({}, { store: Object.create(store) as Store })
    expect(await guests.show(ID)).toMatchObject({ generation: 1 })
    expect(await guests.issue(request)).toMatchObject({ generation: 2 })
  })

  it('shows a removed guest as expired, and renews it only by a new request', async () => {
    const { guests, before, clock, events, row } = await removed()
    const recorded = (await events()).length
    expect(await guests.show(ID)).toMatchObject({
      guestId: ID,
      generation: 1,
      subject: before?.subject,
      expiresAt: before?.aliveUntil,
      verified: before?.tokens?.verified,
      removedAt: clock.wall(),
    })
    // To show it writes nothing.
    expect([await row(), (await events()).length]).toEqual([undefined, recorded])
    expect(await outcome(guests.token(ID))).toBe('refresh_impossible')
    expect(await guests.issue(request)).toMatchObject({ generation: 2 })
    expect(await guests.token(ID)).toMatchObject({ generation: 2 })
  })

  it('leaves what explains a removed guest, and the explanation restores nothing', async () => {
    const { store, row } = await removed()
    expect(await why('default', { guestId: ID }, store)).toMatchObject({
      cause: 'keeper_not_running',
      happened: 'ended',
    })
    expect(await row()).toBe(undefined)
  })

  it('keeps a revoked guest revoked, and an erased one erased', async () => {
    for (const [end, status, code] of [
      ['revoke', 'revoked', 'guest_revoked'],
      ['erase', 'erased', 'guest_revoked'],
    ] as const) {
      const { guests, before, store, clock, row, events } = await removed((here) => here.guests[end](ID))
      const recorded = (await events()).length
      expect(await outcome(guests.issue(request))).toBe(code)
      // A refused request restores and records nothing, so that nothing is removed again.
      expect([await row(), (await events()).length]).toEqual([undefined, recorded])
      expect((await worker({ store, clock }).pass()).guests).toBe(0)
      expect(await guests.show(ID)).toMatchObject({ status, generation: before?.generation })
      await guests[end](ID)
      expect(await row()).toBe(undefined)
      expect((await worker({ store, clock }).pass()).guests).toBe(0)
      expect(await outcome(guests.token(ID))).toBe(code)
    }
  })

  it('revokes and erases a removed guest where it is, once, and restores no row', async () => {
    for (const [end, status, type] of [
      ['revoke', 'revoked', 'TOKEN_REVOKED'],
      ['erase', 'erased', 'GUEST_ERASED'],
    ] as const) {
      const { guests, before, store, clock, row, events } = await removed()
      await guests[end](ID)
      await guests[end](ID)
      expect(await outcome(guests.token(ID))).toBe('guest_revoked')
      expect(await row()).toBe(undefined)
      const ended = (await events()).filter((one) => one.type === type)
      expect(ended.map(({ subject }) => subject)).toEqual([before?.subject])
      const shown = await guests.show(ID)
      expect(shown).toMatchObject({ status, generation: 2 })
      expect(shown.subject === before?.subject).toBe(end === 'revoke')
      expect((await worker({ store, clock }).pass()).guests).toBe(0)
      // It ends with the records, the record of this change included.
      await clock.advance(399 * DAY)
      expect(await guests.show(ID)).toMatchObject({ status })
      await clock.advance(2 * DAY)
      await expect(guests.show(ID)).rejects.toMatchObject({ code: 'guest_unknown' })
    }
  })

  it('asks for no token of a removed guest by its id, and records nothing more of it', async () => {
    const { guests, store, clock, row, events } = await removed()
    const recorded = (await events()).length
    expect(await outcome(guests.token(ID))).toBe('refresh_impossible')
    expect(await outcome(guests.refresh(ID))).toBe('refresh_impossible')
    expect(await row()).toBe(undefined)
    expect((await worker({ store, clock }).pass()).guests).toBe(0)
    expect((await events()).length).toBe(recorded)
  })

  it('forgets what is left of a guest when its records are removed', async () => {
    const { guests, clock, store, row, before } = await removed((here) => here.guests.revoke(ID))
    await clock.advance(400 * DAY)
    await expect(guests.show(ID)).rejects.toMatchObject({ code: 'guest_unknown' })
    expect(await guests.issue(request)).toMatchObject({ generation: 1 })
    expect((await row())?.subject).not.toBe(before?.subject)
    expect(await rowsOf(store)).toMatchObject({ guests: 1 })
  })

  it('keeps a guest that was issued again meanwhile', async () => {
    const here = await issued()
    await here.clock.advance(31 * DAY)
    const { store } = here
    const endedGuests: Store['endedGuests'] = async (connection, ask) => {
      const found = await store.endedGuests(connection, ask)
      if (found.length > 0) await here.guests.issue(request)
      return found
    }
    expect((await worker({ ...here, store: { ...store, endedGuests } }).pass()).guests).toBe(0)
    expect(await here.row()).toMatchObject({ generation: 2 })
  })

  it('removes the profile, the reservation and pending work of an authenticated guest', async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    const { guestId } = await guests.issue(ann)
    expect(await rowsOf(here.store)).toMatchObject({ guests: 1, 'documents/duplicate': 1 })
    await here.clock.advance(32 * DAY)
    const { store } = here
    expect((await worker(here).pass()).guests).toBe(1)
    const rows = await rowsOf(store)
    expect([rows['guests'], rows['documents/duplicate'], rows['documents/enrichment']]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const { documents } = await store.documents('default', { kind: 'tombstone', limit: 9 })
    expectNothingPersonal(documents)
    expect(JSON.stringify(documents)).not.toContain(guestId)
    expect(await guests.find({ email: EMAIL })).toEqual([])
    expect(await guests.issue(ann)).toMatchObject({ api: 'engagements' })
  })
})

describe('retention of audit records', () => {
  it('removes old records that reports have counted, and keeps their totals', async () => {
    const here = await issued()
    const log = auditLog('default', here)
    await log.checkpoint()
    const before = await report(here.store, 'default')
    await here.clock.advance(401 * DAY)
    const { events, guests } = await worker(here).pass()
    expect([events > 0, guests]).toEqual([true, 1])
    expect((await report(here.store, 'default')).totalRequests).toBe(before.totalRequests)
    expect(await log.verify()).toMatchObject({ valid: true, from: events + 1 })
    expect(await worker(here).pass()).toEqual({ events: 0, guests: 0 })
  })
})

describe('a pass of retention', () => {
  it('writes nothing if nothing is too old', async () => {
    const here = await issued()
    await auditLog('default', here).checkpoint()
    await here.clock.advance(401 * DAY)
    const writes: string[] = []
    const { store } = here
    const seen: Store = {
      ...store,
      commit: (change) => (writes.push('commit'), store.commit(change)),
      prune: (connection, ask) => (writes.push('prune'), store.prune(connection, ask)),
    }
    const one = worker({ ...here, store: seen })
    expect((await one.pass()).events).toBeGreaterThan(0)
    expect(writes).not.toEqual([])
    writes.length = 0
    // The first counts the records of the pass before.
    await one.pass()
    writes.length = 0
    await here.clock.advance(HOUR)
    expect(await one.pass()).toEqual({ events: 0, guests: 0 })
    expect(writes).toEqual([])
  })

  it('removes little if the clock was set a year ahead', async () => {
    const here = await issued()
    const one = worker(here)
    await one.pass()
    const log = auditLog('default', here)
    await log.checkpoint()
    const wrong = { ...here.clock, wall: () => here.clock.wall() + 3 * 365 * DAY }
    for (const of of [one, worker({ ...here, clock: wrong }), worker({ ...here, clock: wrong })])
      expect(await of.pass()).toEqual({ events: 0, guests: 0 })
    expect(await here.row()).toMatchObject({ status: 'active' })
    expect(await log.verify()).not.toHaveProperty('from')
  })

  it('removes the acknowledged checkpoints of webhook endpoints that are gone', async () => {
    const here = await issued()
    const { store } = here
    const value = { number: 1, count: 1 }
    const write = (kind: string, id: string) => ({ kind, id, value, expect: { revision: 0 } })
    const documents = [
      ...['stored', 'configured', 'gone'].map((id) => write('webhook-checkpoint', id)),
      write('webhook', 'stored'),
      write('webhook-configured', 'configured'),
    ]
    await store.commit({ connection: 'default', documents })
    await worker(here, {}).pass()
    const left = await store.documents('default', { kind: 'webhook-checkpoint', limit: 9 })
    expect(left.documents.map(({ id }) => id)).toEqual(['configured', 'stored'])
  })

  it('forgets erasures that only a backup older than a year would need', async () => {
    const here = await issued()
    const asked: unknown[] = []
    const forgetErasures: Store['forgetErasures'] = async (...all) => asked.push(all)
    const store = { ...here.store, forgetErasures }
    await worker({ ...here, store }).pass()
    await worker({ ...here, store }, { endedGuestsMs: DAY }).pass()
    expect(asked).toEqual([['default', here.clock.wall() - 766 * DAY]])
  })
})

describe('the worker of retention', () => {
  it('makes a pass at once and every hour, until it is stopped', async () => {
    const here = await issued()
    await here.clock.advance(30 * DAY)
    const stop = new AbortController()
    const run = worker(here).run(stop.signal)
    await here.clock.advance(HOUR / 2)
    expect(await here.row()).not.toBe(undefined)
    // A digest takes real time, so that the pass may end some fake hours later.
    const rowAnHourLater = async () => {
      await here.clock.advance(HOUR)
      return here.row()
    }
    await expect.poll(rowAnHourLater, { timeout: 10_000 }).toBe(undefined)
    stop.abort()
    await run
  })
})
