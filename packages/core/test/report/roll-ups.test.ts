import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { Event, EventType } from '../../src/domain/events/event.ts'
import { HOUR, MINUTE } from '../../src/domain/time.ts'
import type { Store } from '../../src/ports/store.ts'
import { report } from '../../src/report/report.ts'
import { reportOf } from '../../src/report/report-document.ts'
import { rollUps } from '../../src/report/roll-ups.ts'
import { addTotals, NO_TOTALS, totalsOf } from '../../src/report/totals.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { event, HOME, NEIGHBOUR } from '../../src/testing/store-contract/samples.ts'
import { everyCall } from '../world/every-call.ts'

const START = Date.UTC(2026, 0, 31, 22)
const full = new GuestpassError('store_unavailable', 'The disk is full.')

const types: readonly EventType[] = [
  'TOKEN_GENERATED_SUCCESS',
  'TOKEN_FAILED',
  'REFRESH_COMPLETED',
  'ACCESS_TOKEN_RENEWED',
  'guest.authentication',
  'TOKEN_REVOKED',
  'GRANT_ENDED',
  'WEBHOOK_SYNCED',
]

/** A moment within four hours, which begin in one month and end in the next. */
const moment = fc.nat(4 * 60).map((minutes) => START + minutes * MINUTE)
const happening = fc.record({
  type: fc.constantFrom(...types),
  at: moment,
  latencyMs: fc.nat(100_000).map((tenths) => tenths / 10),
  outcome: fc.constantFrom('success' as const, 'failure' as const),
})

type Step =
  | { readonly is: 'events'; readonly events: readonly Parameters<typeof event>[1][] }
  /** Processes update at once. Some die in their commit, before or after it is stored. */
  | { readonly is: 'update'; readonly ends: readonly ('done' | 'before' | 'after')[] }
  | { readonly is: 'report'; readonly since: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ is: fc.constant('events' as const), events: fc.array(happening, { minLength: 1, maxLength: 12 }) }),
  fc.record({
    is: fc.constant('update' as const),
    ends: fc.array(fc.constantFrom('done' as const, 'before' as const, 'after' as const), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  fc.record({ is: fc.constant('report' as const), since: moment }),
)

/** A process whose commits fail, before or after they are stored. */
const failing = (store: Store, when: 'done' | 'before' | 'after'): Store => ({
  ...store,
  async commit(change) {
    if (when === 'before') throw full
    const outcome = await store.commit(change)
    if (when === 'after') throw full
    return outcome
  },
})

const scan = (events: readonly Event[], since = Number.NEGATIVE_INFINITY) =>
  reportOf(
    HOME,
    events
      .filter(({ at }) => at >= since)
      .map(totalsOf)
      .reduce(addTotals, NO_TOTALS),
  )

const open = () => {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  return { clock, store, ups: rollUps(HOME, { store, clock }) }
}

/** The documents of a kind. */
const stored = async (store: Store, kind = 'roll-up') => (await store.documents(HOME, { kind, limit: 99 })).documents

describe('roll-ups', () => {
  it('give the report that a scan of all events gives, over concurrent updates and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), moment, async (steps, since) => {
        const { store, clock } = open()
        const all: Event[] = []
        for (const one of steps) {
          if (one.is === 'events') {
            const events = one.events.map((facts, nth) => event(`${all.length + nth}`, facts))
            all.push(...events)
            await store.commit({ connection: HOME, events })
          } else if (one.is === 'report') {
            expect(await report(store, HOME, { since: one.since })).toEqual(scan(all, one.since))
          } else {
            const updates = one.ends.map((end) => rollUps(HOME, { store: failing(store, end), clock }).update())
            await Promise.allSettled(updates)
          }
        }
        expect(await report(store, HOME, { since })).toEqual(scan(all, since))
        expect(await report(store, HOME)).toEqual(scan(all))
      }),
    )
  })

  it('are one document for each hour, by the time of the events', async () => {
    const { store, ups } = open()
    const times = [START, START + 1, START + 3 * HOUR, START + HOUR - 1]
    await store.commit({ connection: HOME, events: times.map((at, nth) => event(`${nth}`, { at })) })
    expect(await ups.update()).toBe(4)
    expect((await stored(store)).map(({ id, value }) => [id, value])).toMatchObject([
      ['2026-01-31T22', { first: 1, last: 4, jobs: { guestTokens: { succeeded: 3 } } }],
      ['2026-02-01T01', { first: 3, last: 3, jobs: { guestTokens: { succeeded: 1 } } }],
    ])
  })

  it('write nothing without new events', async () => {
    const { store, ups } = open()
    await store.commit({ connection: NEIGHBOUR, events: [event('1', { connection: NEIGHBOUR })] })
    expect([await ups.update(), await store.connections()]).toEqual([0, [NEIGHBOUR]])
    await store.commit({ connection: HOME, events: [event('1')] })
    await ups.update()
    const [before] = await stored(store, 'roll-up-totals')
    await ups.update()
    expect(await stored(store, 'roll-up-totals')).toEqual([before])
  })

  it('take many events and hours in several commits', async () => {
    const { store, ups } = open()
    const events = Array.from({ length: 250 }, (_, nth) => event(`${nth}`, { at: START + nth * HOUR }))
    await store.commit({ connection: HOME, events })
    let commits = 0
    const counted: Store = { ...store, commit: (change) => ((commits += 1), store.commit(change)) }
    expect(await rollUps(HOME, { store: counted, clock: fakeClock() }).update()).toBe(250)
    expect(commits).toBe(3)
    expect(await ups.backlog(9)).toBe(0)
    expect(await report(store, HOME)).toEqual(scan(events))
  })

  it('lose the hours before a time, and keep their events in the totals', async () => {
    const { store, ups } = open()
    const events = Array.from({ length: 250 }, (_, nth) => event(`${nth}`, { at: START + nth * HOUR }))
    await store.commit({ connection: HOME, events })
    await ups.update()
    expect(await ups.prune(START + 240 * HOUR + 1)).toBe(240)
    expect(await stored(store)).toHaveLength(10)
    expect(await ups.prune(START + 240 * HOUR + 1)).toBe(0)
    expect(await report(store, HOME)).toEqual(scan(events))
    const since = START + 241 * HOUR
    expect(await report(store, HOME, { since })).toEqual(scan(events, since))
  })

  it('count the events that wait, and take them every minute', async () => {
    const { store, ups, clock } = open()
    const stop = new AbortController()
    const running = ups.run(stop.signal)
    await clock.advance(0)
    await store.commit({ connection: HOME, events: [event('1'), event('2'), event('3')] })
    expect([await ups.backlog(99), await ups.backlog(2)]).toEqual([3, 2])
    await clock.advance(MINUTE)
    expect(await ups.backlog(99)).toBe(0)
    stop.abort()
    await running
  })
})

describe('roll-ups of a busy store', () => {
  it('end an update although events come all the time', async () => {
    const { store, clock } = open()
    await store.commit({ connection: HOME, events: [event('0')] })
    let commits = 0
    const busy: Store = {
      ...store,
      async commit(change) {
        commits += 1
        await store.commit({ connection: HOME, events: [event(`${commits}`)] })
        return store.commit(change)
      },
    }
    expect(await rollUps(HOME, { store: busy, clock }).update()).toBe(1)
    expect(commits).toBe(1)
  })

  it('leave events to another process that adds them at the same time', async () => {
    const { store, ups, clock } = open()
    await store.commit({ connection: HOME, events: [event('0')] })
    let commits = 0
    const behind: Store = {
      ...store,
      async commit(change) {
        commits += 1
        if (commits < 5) {
          await ups.update()
          await store.commit({ connection: HOME, events: [event(`${commits}`)] })
        }
        return store.commit(change)
      },
    }
    const stop = new AbortController()
    const sleeping = Promise.withResolvers<void>()
    const sleep: typeof clock.sleep = (...args) => {
      sleeping.resolve()
      return clock.sleep(...args)
    }
    const running = rollUps(HOME, { store: behind, clock: { ...clock, sleep } }).run(stop.signal)
    await sleeping.promise
    expect(commits).toBe(1)
    stop.abort()
    await running
  })
})

describe('a report from roll-ups', () => {
  it('reads no event that is in them', async () => {
    const { store, ups } = open()
    const events = Array.from({ length: 50 }, (_, nth) => event(`${nth}`, { at: START + nth * MINUTE }))
    await store.commit({ connection: HOME, events })
    await ups.update()
    let links = 0
    const counted: Store = {
      ...store,
      async chain(connection, page) {
        const found = await store.chain(connection, page)
        links += found.links.length
        return found
      },
    }
    expect(await report(counted, HOME)).toEqual(scan(events))
    expect(await report(counted, HOME, { since: START })).toEqual(scan(events, START))
    expect(await report(counted, HOME, { since: START + HOUR })).toEqual(scan(events, START + HOUR))
    expect(links).toBe(0)
  })

  it('keeps events in the totals that the store no longer has', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock, keepEvents: 1 })
    for (const id of ['1', '2', '3', '4', '5', '6']) {
      await store.commit({ connection: HOME, events: [event(id)] })
      await rollUps(HOME, { store, clock }).update()
    }
    expect((await store.events(HOME, { limit: 99 })).events.length).toBeLessThan(6)
    expect((await report(store, HOME)).totalRequests).toBe(6)
  })

  it('is complete while the store cannot be written', async () => {
    const { store, ups } = open()
    await store.commit({ connection: HOME, events: [event('1')] })
    await ups.update()
    await store.commit({ connection: HOME, events: [event('2')] })
    expect((await report(failing(store, 'before'), HOME)).totalRequests).toBe(2)
    expect((await report(failing(store, 'before'), HOME, { since: 0 })).totalRequests).toBe(2)
  })

  it('fails if the store cannot be read', async () => {
    const broken = everyCall(open().store, async () => {
      throw full
    })
    await expect(report(broken, HOME)).rejects.toThrow('The disk is full.')
  })
})
