import { fakeClock } from '@guestpass/core/testing'
import { SECOND } from '@guestpass/core/store-kit'
import { expect, it } from 'vitest'
import type { ServedConnection } from '../src/connections/served-connection.ts'
import { createTrackedWork } from '../src/tracked-work.ts'
import { stopService } from '../src/stop-service.ts'
import { serviceForTests } from './service-for-tests.ts'

const never = (): Promise<never> => new Promise(() => {})

/** What a stop waits for, hanging as with a database that is gone, and the line of the log about it. */
const hanging: readonly (readonly [string, (one: ServedConnection) => ServedConnection, string])[] = [
  [
    'workers do not end',
    (one) => ({ ...one, background: { ...one.background, stop: never } }),
    'Work was still running 20 s after the last request',
  ],
  [
    'a renewal does not end',
    (one) => ({ ...one, connection: { ...one.connection, idle: never } }),
    'Work was still running 20 s after the last request',
  ],
  [
    'the store does not close',
    (one) => ({ ...one, runtime: { ...one.runtime, close: never } }),
    'The store did not close within 5 s',
  ],
]

it.each(hanging)('stops within 55 s if %s', async (_, hang, line) => {
  const { service, close } = await serviceForTests()
  const clock = fakeClock()
  const { connections, app } = service
  const { first } = connections
  const ports = { ...first.runtime.ports, clock }
  connections.replace(hang({ ...first, runtime: { ...first.runtime, ports } }))
  const lines: string[] = []
  const log = { warn: (text: string) => void lines.push(text) }
  const state = { isStopped: false }
  const readiness = { isOpen: () => false, stopping() {} }
  const streams = { endAll() {} }
  const stopped = stopService({ app, connections, readiness, streams, log, work: createTrackedWork(log) })
  void stopped.then(() => void (state.isStopped = true))
  const start = clock.monotonic()
  while (!state.isStopped) await clock.advance(SECOND)
  expect(clock.monotonic() - start).toBeLessThanOrEqual(55 * SECOND)
  expect(lines.join('\n')).toContain(line)
  connections.replace(first)
  await close()
})

it('does not wait for renewals of a runtime whose work was cut off', async () => {
  const { service, close } = await serviceForTests()
  const { first } = service.connections
  first.runtime.connections.push({ ...first.connection, idle: never })
  first.cutOff()
  await first.runtime.close()
  await close()
})
