import { GuestpassError } from '@guestpass/core'
import type { Worker, WorkerObserver } from '@guestpass/core/runtime-kit'
import { type FakeClock, fakeClock, settle } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { startWorker, type WorkerChange } from '../../src/workers/running-worker.ts'

const SECOND = 1_000
const busy = new GuestpassError('store_busy', 'The store is busy.')

/** A worker under way; `hears` is its observer, `waiting` what its store says of its backlog. */
async function working(more: Partial<Worker> = {}) {
  const clock: FakeClock = fakeClock()
  const stop = new AbortController()
  const box: { hears?: WorkerObserver; waiting: number; runs: number } = { waiting: 0, runs: 0 }
  const worker: Worker = {
    async run(signal, observer) {
      box.runs += 1
      if (observer) box.hears = observer
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    backlog: async (most) => Math.min(box.waiting, most),
    ...more,
  }
  const changes: WorkerChange[] = []
  const onChange = (change: WorkerChange): void => void changes.push(change)
  const { health, ended } = startWorker(
    { name: 'renewal', connection: 'default', worker },
    { clock, signal: stop.signal, onChange },
  )
  await settle()
  return { clock, box, health, ended, changes, stop: () => stop.abort() }
}

describe('a worker that runs', () => {
  it('waits where there is no work, works where there is some, and has stopped when it has ended', async () => {
    const { health, box, stop, ended } = await working()
    expect(await health()).toEqual({ name: 'renewal', connection: 'default', state: 'waiting', backlog: 0 })
    box.waiting = 7
    expect(await health()).toMatchObject({ state: 'working', backlog: 7 })
    stop()
    await ended
    expect(await health()).toMatchObject({ state: 'stopped', backlog: 7 })
  })

  it('fails from a failure to the next success, and remembers both', async () => {
    const { clock, health, box, stop, ended } = await working()
    box.hears?.succeeded()
    await clock.advance(SECOND)
    box.hears?.failed(busy)
    const lastSuccess = '2026-01-01T00:00:00.000Z'
    const lastError = { at: '2026-01-01T00:00:01.000Z', code: 'store_busy', message: 'The store is busy.' }
    expect(await health()).toMatchObject({ state: 'failing', lastSuccess, lastError })
    await clock.advance(SECOND)
    box.hears?.succeeded()
    expect(await health()).toMatchObject({ state: 'waiting', lastSuccess: '2026-01-01T00:00:02.000Z', lastError })
    stop()
    await ended
  })

  it('reports each change once: a failure, another code, a recovery, its end', async () => {
    const { box, changes, stop, ended } = await working()
    box.hears?.succeeded()
    for (const error of [busy, busy, new GuestpassError('store_corrupt', 'Damaged.')]) box.hears?.failed(error)
    for (let pass = 0; pass < 2; pass += 1) box.hears?.succeeded()
    stop()
    await ended
    const of = { name: 'renewal', connection: 'default' }
    expect(changes).toEqual([
      { ...of, state: 'failing', error: { code: 'store_busy', message: 'The store is busy.' } },
      { ...of, state: 'failing', error: { code: 'store_corrupt', message: 'Damaged.' } },
      { ...of, state: 'recovered' },
      { ...of, state: 'stopped' },
    ])
  })

  it('counts no more than 10,000, and says nothing of what its store cannot count', async () => {
    const { health, box, stop, ended } = await working()
    box.waiting = 1_000_000
    expect((await health()).backlog).toBe(10_000)
    stop()
    await ended
    const other = await working({ backlog: () => Promise.reject(busy) })
    expect(await other.health()).toEqual({ name: 'renewal', connection: 'default', state: 'waiting' })
    other.stop()
    await other.ended
  })

  it.each([
    ['throws', () => Promise.reject(new Error('out of order')), 'internal', /out of order/],
    ['ends by itself', () => Promise.resolve(), 'internal', /The worker renewal ended by itself/],
  ] as const)('whose loop %s is started again after a back-off, and says so', async (_, once, code, message) => {
    let runs = 0
    const { clock, health, stop, ended } = await working({
      run(signal, observer) {
        runs += 1
        if (runs <= 2) return once()
        observer?.succeeded()
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    })
    expect(await health()).toMatchObject({
      state: 'failing',
      lastError: { code, message: expect.stringMatching(message) },
    })
    expect(await health()).not.toHaveProperty('lastSuccess')
    await clock.advance(SECOND)
    expect([runs, (await health()).state]).toEqual([2, 'failing'])
    await clock.advance(2 * SECOND)
    expect([runs, (await health()).state]).toEqual([3, 'waiting'])
    stop()
    await ended
    expect(clock.sleeping).toBe(0)
  })

  it('ends, and says so, where the clock cannot sleep', async () => {
    const clock = { ...fakeClock(), sleep: () => Promise.reject(new RangeError('no time')) }
    const worker: Worker = { run: () => Promise.reject(busy) }
    const { ended, health } = startWorker({ name: 'keys', worker }, { clock, signal: new AbortController().signal })
    await ended
    expect(await health()).toMatchObject({ state: 'stopped', lastError: { message: expect.stringMatching(/no time/) } })
  })
})
