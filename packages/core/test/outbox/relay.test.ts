import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/domain/events/event.ts'
import type { Json } from '../../src/domain/json.ts'
import { MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { relay } from '../../src/outbox/relay.ts'
import type { Outbox, DeliveryOutcome, Route } from '../../src/ports/store.ts'
import { jsonLines } from '../../src/sinks/json-lines.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, settle } from '../../src/testing/index.ts'
import { webhookRoute } from '../../src/webhooks/endpoint.ts'
import { recordingObserver } from '../world/recording-observer.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'

const never = new AbortController().signal

/** Events waiting for the sink `audit`, and what it got of them so far. */
function waiting(count: number) {
  const clock = fakeClock()
  const store = memoryStore({ clock, route: () => ['audit'] })
  const got: string[] = []
  let last = 0
  const commit = async (more: number): Promise<void> => {
    for (let nth = 0; nth < more; nth += 1) await store.commit({ connection: HOME, events: [event(`${(last += 1)}`)] })
  }
  const number = (id: string): string => `${Number(id.slice(-12))}`
  const sink = (verdict: (id: string) => 'done' | 'retry' | 'dead-letter' | 'nothing' | 'throw'): Sink => ({
    name: 'audit',
    async deliver(due) {
      if (due.some(({ event: { id } }) => verdict(number(id)) === 'throw')) throw new Error('the disk is full')
      return due.flatMap(({ event: { id } }): DeliveryOutcome[] => {
        const word = verdict(number(id))
        if (word === 'done') got.push(number(id))
        if (word === 'nothing' || word === 'throw') return []
        if (word === 'retry') return [{ event: id, then: 'retry', inMs: 5 * SECOND, why: 'busy' }]
        return [word === 'dead-letter' ? { event: id, then: 'dead-letter', why: 'gone' } : { event: id, then: 'done' }]
      })
    },
  })
  return { clock, store, got, commit, sink, ready: commit(count) }
}

const upTo = (count: number): string[] => Array.from({ length: count }, (_, at) => `${at + 1}`)

describe('a relay', () => {
  it('delivers everything in the order of the commits, and once', async () => {
    const { store, got, sink, clock, ready } = waiting(250)
    await ready
    const { drain } = relay(
      store.outbox,
      sink(() => 'done'),
      { clock },
    )
    expect(await drain(never)).toBe(250)
    expect(got).toEqual(upTo(250))
    await clock.advance(10 * MINUTE)
    expect(await drain(never)).toBe(0)
  })

  it('stops at once when the signal aborts, and leaves the other events', async () => {
    const { store, got, sink, clock, ready } = waiting(3)
    await ready
    expect(
      await relay(
        store.outbox,
        sink(() => 'done'),
        { clock },
      ).drain(AbortSignal.abort()),
    ).toBe(0)
    expect(got).toEqual([])
  })

  it('delivers new events while it runs, until the signal aborts', async () => {
    const { store, got, sink, clock, ready, commit } = waiting(1)
    await ready
    const stop = new AbortController()
    const running = relay(
      store.outbox,
      sink(() => 'done'),
      { clock },
    ).run(stop.signal)
    await settle()
    await commit(2)
    await clock.advance(SECOND)
    expect(got).toEqual(['1', '2', '3'])
    stop.abort()
    await running
    expect(clock.sleeping).toBe(0)
  })

  it('reports what the sink threw or said, until it takes an event', async () => {
    const { store, sink, clock, ready } = waiting(1)
    await ready
    let how: 'throw' | 'retry' | 'dead-letter' | 'done' = 'throw'
    const observed = recordingObserver()
    const stop = new AbortController()
    const flaky: Sink = {
      name: 'audit',
      deliver(due, signal) {
        if (how === 'throw') throw new GuestpassError('output_failed', 'The disk is full.')
        const word = how
        return sink(() => word).deliver(due, signal)
      },
    }
    const running = relay(store.outbox, flaky, { clock }).run(stop.signal, observed.observer)
    await settle()
    expect([observed.calls, observed.messages]).toEqual([['output_failed'], ['The disk is full.']])
    how = 'retry'
    await clock.advance(SECOND)
    expect(observed.messages.at(-1)).toBe('The sink audit did not take an event: busy.')
    // Looks that find nothing due are no success while it waits.
    await clock.advance(4 * SECOND)
    expect(observed.calls).toEqual(['output_failed', 'output_failed'])
    how = 'done'
    await clock.advance(2 * SECOND)
    expect(observed.last()).toBe('succeeded')
    stop.abort()
    await running
  })

  it('reports what the sink gave up, and does not count as failing once nothing waits', async () => {
    const { store, sink, clock, ready } = waiting(1)
    await ready
    const observed = recordingObserver()
    const stop = new AbortController()
    const running = relay(
      store.outbox,
      sink(() => 'dead-letter'),
      { clock },
    ).run(stop.signal, observed.observer)
    await clock.advance(3 * SECOND)
    expect(observed.calls.slice(0, 2)).toEqual(['output_failed', 'succeeded'])
    expect(observed.messages).toEqual(['The sink audit did not take an event: gone.'])
    stop.abort()
    await running
  })

  it('reports a store that fails', async () => {
    const { store, sink, clock } = waiting(0)
    let failing = true
    const outbox: Outbox = {
      ...store.outbox,
      async claim(...ask) {
        if (failing) throw new GuestpassError('store_busy', 'The store is busy.')
        return store.outbox.claim(...ask)
      },
    }
    const observed = recordingObserver()
    const stop = new AbortController()
    const running = relay(
      outbox,
      sink(() => 'done'),
      { clock },
    ).run(stop.signal, observed.observer)
    await clock.advance(3 * SECOND)
    failing = false
    await clock.advance(4 * SECOND)
    expect(observed.calls).toEqual(['store_busy', 'store_busy', 'store_busy', 'succeeded'])
    stop.abort()
    await running
  })

  it.each(['throw', 'nothing'] as const)(
    'tries again what failed (%s), ever later and in the order of the commits',
    async (how) => {
      const { store, got, sink, clock, ready, commit } = waiting(2)
      await ready
      let broken = true
      const triedAt: number[] = []
      const flaky = sink(() => (broken ? how : 'done'))
      const noting: Sink = {
        ...flaky,
        deliver: (due, signal) => (triedAt.push(clock.monotonic() / SECOND), flaky.deliver(due, signal)),
      }
      const stop = new AbortController()
      const running = relay(store.outbox, noting, { clock }).run(stop.signal)
      await clock.advance(10 * SECOND)
      await commit(1)
      await clock.advance(10 * SECOND)
      expect(triedAt).toEqual([0, 1, 3, 7, 15])
      broken = false
      await clock.advance(MINUTE)
      expect(got).toEqual(['1', '2', '3'])
      stop.abort()
      await running
    },
  )

  it('waits as long as the sink says, and gives up what it parked', async () => {
    const { store, got, sink, clock, ready } = waiting(3)
    await ready
    let busy = true
    const picky = sink((id) => (id === '2' ? 'dead-letter' : id === '1' && busy ? 'retry' : 'done'))
    const { drain } = relay(store.outbox, picky, { clock })
    expect(await drain(never)).toBe(1)
    busy = false
    await clock.advance(5 * SECOND - 1)
    expect(await drain(never)).toBe(0)
    await clock.advance(1)
    expect(await drain(never)).toBe(1)
    expect(got).toEqual(['3', '1'])
  })

  it.each(['claim', 'settle'] as const)('goes on after the store failed to %s', async (name) => {
    const { store, got, sink, clock, ready } = waiting(1)
    await ready
    let fails = 2
    const flaky: Outbox = {
      ...store.outbox,
      [name]: (...args: never[]) => {
        if ((fails -= 1) >= 0) return Promise.reject(new GuestpassError('store_busy', 'The store is busy.'))
        return (store.outbox[name] as (...all: never[]) => unknown)(...args)
      },
    }
    const stop = new AbortController()
    const running = relay(
      flaky,
      sink(() => 'done'),
      { clock },
    ).run(stop.signal)
    await clock.advance(3 * MINUTE)
    expect(new Set(got)).toEqual(new Set(['1']))
    expect(await store.outbox.claim('audit', 9, 1)).toEqual([])
    stop.abort()
    await running
  })
})

describe('audit lines', () => {
  it('are one JSON document each, with all members', async () => {
    const { store, clock, ready } = waiting(1)
    await ready
    const odd = event('7', {
      error: { code: 'token_refused', message: 'line\nbreak \u2028', reason: 'expired' },
      latencyMs: 1.5,
      statusCode: 503,
      data: { scopes: ['a', 'b'], verified: false },
    })
    await store.commit({ connection: HOME, events: [odd] })
    let written = ''
    const sink = jsonLines('audit', async (lines) => void (written += lines))
    expect(await relay(store.outbox, sink, { clock }).drain(never)).toBe(2)
    const lines = written.split('\n')
    expect(lines.pop()).toBe('')
    const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(Object.keys(first ?? {})).toEqual(Object.keys(second ?? {}))
    expect(first).toMatchObject({
      timestamp: '2026-01-01T00:00:00.000Z',
      eventType: 'TOKEN_GENERATED_SUCCESS',
      latencyMs: null,
      statusCode: null,
      idempotencyKey: null,
      error: null,
      data: {},
    })
    expect(second).toMatchObject({ eventId: odd.id, error: odd.error, latencyMs: 1.5, statusCode: 503, data: odd.data })
  })

  it('are written again when writing failed', async () => {
    const { store, clock, ready } = waiting(2)
    await ready
    const written: string[] = []
    let full = true
    const sink = jsonLines('audit', async (lines) => {
      if (full) throw new Error('the disk is full')
      written.push(...lines.trim().split('\n'))
    })
    const { drain } = relay(store.outbox, sink, { clock })
    expect(await drain(never)).toBe(0)
    full = false
    await clock.advance(SECOND)
    expect(await drain(never)).toBe(2)
    expect(written).toHaveLength(2)
  })
})

describe('a relay on a store whose route', () => {
  const sink = jsonLines('audit', async () => {})
  const clock = fakeClock()
  const made = (route: Route | undefined, options = {}) =>
    relay(memoryStore(route ? { clock, route } : { clock }).outbox, sink, { clock }, options)
  const unrouted = expect.objectContaining({
    code: 'config_invalid',
    fields: [expect.objectContaining({ field: 'route' })],
  })

  it.each<[string, Route | undefined]>([
    ['is not given', undefined],
    ['names other sinks', () => ['audits']],
    ['is that of webhooks', webhookRoute],
    ['names it for another connection alone', ({ connection }) => (connection === 'eu' ? ['audit'] : [])],
  ])('%s is refused, with the field and the remedy', (_, route) => {
    expect(() => made(route)).toThrow(unrouted)
    expect(() => made(route)).toThrow(/memoryStore\(\{ route: \(\) => \[sink\.name\] \}\)/)
  })

  /** The data as a route reads it that does not look at the type. */
  const bagOf = ({ data }: Event) => data as Readonly<Record<string, Json>> | undefined

  it.each<[string, Route]>([
    ['names it for some types', ({ type }) => (type === 'GRANT_ENDED' ? ['audit'] : [])],
    ['names it for failures', ({ outcome }) => (outcome === 'failure' ? ['audit'] : [])],
    ['looks at who asked, which is not known before', ({ actor }) => (actor === 'cli' ? ['audit'] : [])],
    ['asks whether there is an error', (of) => ('error' in of ? ['audit'] : [])],
    ['asks for a member of its own', (of) => (Object.hasOwn(of, 'statusCode') ? ['audit'] : [])],
    ['needs data that an event has', (of) => [bagOf(of)?.['sink'] as string]],
    ['fails on an event without data', (of) => [((bagOf(of) ?? {})['to'] as { name: string }).name]],
  ])('%s is taken', (_, route) => {
    expect(() => made(route)).not.toThrow()
  })

  it('names it for one connection is taken where that is given', () => {
    const route: Route = ({ connection }) => (connection === 'eu' ? ['audit'] : [])
    expect(() => made(route, { connection: 'eu' })).not.toThrow()
  })
})
