import { fakeClock } from '@guestpass/core/testing'
import type { Health } from '@guestpass/runtime'
import { expect, it } from 'vitest'
import type { ServedConnection } from '../src/connections/served-connection.ts'
import { metricCatalogue } from '../src/metrics/catalogue.ts'
import { createMetrics } from '../src/metrics/metrics.ts'

/** The values of the samples of a scrape, by the name of their metric. */
function samplesIn(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name = '', value = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{.*\})? (\S+)$/.exec(line) ?? []
    found.set(name, `${found.get(name) ?? ''} ${value}`)
  }
  return found
}

it('every metric of the catalogue has samples, and follows what it measures', async () => {
  const clock = fakeClock()
  let step = 1
  const health = (): Health => ({
    status: 'ok',
    connection: 'default',
    store: step === 1 ? { place: 'memory' } : { place: 'memory', error: { code: 'store_busy', message: 'busy' } },
    workers: [
      {
        name: 'webhooks',
        state: step === 1 ? 'waiting' : 'failing',
        backlog: step,
        lastSuccess: new Date(step).toISOString(),
      },
    ],
    backlog: { 'webhook:idp': step },
  })
  const served = {
    name: 'default',
    background: { health: async () => health() },
    connection: {
      meters: { counters: new Map([['guest_token_issued', 0]]), timed: () => ({ quantile: () => step }) },
    },
    runtime: { store: { sizes: async () => ({ kinds: [{ kind: 'guest', rows: step, oldestAt: step * 1_000 }] }) } },
  } as unknown as ServedConnection
  const connections = { all: [served], first: served, get: () => served, replace() {} }
  const streams = { count: 0 }
  const metrics = createMetrics({ connections, streams, isReady: () => step === 1, clock })
  metrics.answered({ method: 'GET', route: '/', status: 200 }, 5)
  const before = samplesIn(await metrics.text())

  step = 2
  streams.count = 3
  ;(served.connection.meters.counters as Map<string, number>).set('guest_token_issued', 7)
  metrics.began()
  metrics.answered({ method: 'GET', route: '/', status: 200 }, 50)
  metrics.began()
  await clock.advance(60_001)
  const after = samplesIn(await metrics.text())

  const names = Object.values(metricCatalogue).map(({ name }) => name)
  expect([...after.keys()].sort()).toEqual([...names].sort())
  expect(names.filter((name) => before.get(name) === undefined)).toEqual([])
  expect(names.filter((name) => before.get(name) === after.get(name))).toEqual([])
})
