import { memoryStore } from '@guestpass/core'
import type { Change } from '@guestpass/core/store-kit'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { followedRecords, latestRecords, type RecordFilter } from '../src/read-records.ts'

const HOME = 'default'
const MINUTE = 60_000

type Event = NonNullable<Change['events']>[number]

/** The event of a number: one a minute; every tenth failed, and every seventh is of Ann. */
const eventAt = (nth: number): Event =>
  ({
    id: `event-${nth}`,
    at: nth * MINUTE,
    actor: 'cli',
    connection: HOME,
    subject: nth % 7 === 0 ? 'ann' : 'bob',
    generation: 1,
    correlationId: 'c',
    ...(nth % 10 === 0
      ? { type: 'TOKEN_FAILED', outcome: 'failure', data: { api: 'guest-tokens' } }
      : { type: 'TOKEN_REVOKED', outcome: 'success', data: { api: 'guest-tokens' } }),
  }) as Event

async function logOf(count: number) {
  const store = memoryStore({ clock: fakeClock() })
  const append = async (from: number, to: number): Promise<void> => {
    const events = Array.from({ length: to - from + 1 }, (_, at) => eventAt(from + at))
    await store.commit({ connection: HOME, events })
  }
  if (count > 0) await append(1, count)
  return { store, append }
}

const numbers = ({ links }: { readonly links: readonly { readonly event: Event }[] }): readonly number[] =>
  links.map(({ event }) => Number(event.id.slice(6)))

describe('the newest audit records', () => {
  it('are read from the end of the log, also past a page of others', async () => {
    const { store } = await logOf(2_500)
    const latest = (filter: Partial<RecordFilter>, lines: number, before?: number) =>
      latestRecords(store, { connection: HOME, ...filter }, { lines, before })
    expect(numbers(await latest({}, 3))).toEqual([2_498, 2_499, 2_500])
    const failures = await latest({ events: ['TOKEN_FAILED'] }, 120)
    expect(numbers(failures)).toEqual(Array.from({ length: 120 }, (_, nth) => 1_310 + 10 * nth))
    expect(failures.hasMore).toBe(true)
    const all = await latest({ events: ['TOKEN_FAILED'] }, 250)
    expect([all.links.length, all.hasMore]).toEqual([250, false])
    expect(numbers(await latest({ subject: 'ann' }, 2))).toEqual([2_492, 2_499])
    expect(numbers(await latest({ subject: 'ann' }, 2, 2_499))).toEqual([2_485, 2_492])
    expect(numbers(await latest({}, 2, 1_001))).toEqual([999, 1_000])
  })

  it('since a time are all those of later, whichever page they are on', async () => {
    const { store } = await logOf(1_200)
    const { links, hasMore } = await latestRecords(store, { connection: HOME, since: 100 * MINUTE }, { lines: 10_000 })
    expect([links.length, links[0]?.count, hasMore]).toEqual([1_101, 100, false])
  })

  it('of an empty log are none', async () => {
    const { store } = await logOf(0)
    expect(await latestRecords(store, { connection: HOME }, { lines: 5 })).toEqual({
      links: [],
      hasMore: false,
      end: 0,
    })
  })
})

describe('records that are followed', () => {
  it('come in the order of the log, those of later too, each once', async () => {
    const { store, append } = await logOf(1_500)
    let waits = 0
    const wait = async (): Promise<void> => {
      waits += 1
      if (waits > 2) throw new Error('stopped')
      await append(1_500 + waits, 1_500 + waits)
    }
    const seen: number[] = []
    const follow = async (): Promise<void> => {
      for await (const { count } of followedRecords(store, { connection: HOME }, 0, wait)) seen.push(count)
    }
    await expect(follow()).rejects.toThrow('stopped')
    expect(seen).toEqual(Array.from({ length: 1_502 }, (_, nth) => nth + 1))
  })
})
