import { type ConnectionPorts, memoryStore, type Store, webhookRoute, type Webhooks, webhooks } from '@guestpass/core'
import { jsonLines, relay, type Relay } from '@guestpass/core/runtime-kit'
import { nodePlatform } from '@guestpass/core/node'
import { type FakeClock, seededRandom } from '@guestpass/core/testing'
import { configured } from '../../../core/test/webhooks/world.ts'
import type { WorkerHealth } from '../../src/workers/running-worker.ts'
import { type RunningWorkers, startWorkers, type WorkersOptions } from '../../src/workers/start-workers.ts'
import type { WorkedConnection, WorkerName, WorkingRuntime } from '../../src/workers/registry.ts'

type Http = ConnectionPorts['http']

/** A store in memory that fails on demand, with the code that it fails with. */
export function fragileStore(clock: FakeClock): { readonly store: Store; fails: Error | undefined } {
  const inner = memoryStore({ clock, route: (event) => [...webhookRoute(event), 'audit-file'] })
  const box: { store: Store; fails: Error | undefined } = { store: inner, fails: undefined }
  const guarded = <T extends object>(calls: T): T =>
    Object.fromEntries(
      Object.entries(calls).map(([name, call]: [string, unknown]) => [
        name,
        typeof call === 'function'
          ? async (...args: unknown[]): Promise<unknown> => {
              if (box.fails) throw box.fails
              return Reflect.apply(call, undefined, args) as unknown
            }
          : guarded(call as object),
      ]),
    ) as T
  box.store = guarded(inner)
  return box
}

interface RuntimeParts {
  readonly store: Store
  readonly clock: FakeClock
  readonly http: Http
  /** What the webhook endpoint `idp` is asked with; without it there is none. */
  readonly endpoint?: Http
  readonly writeAudit?: (lines: string) => Promise<void>
}

/** The parts of a runtime that workers need, on a fake clock. */
export function workingRuntime({ store, clock, http, endpoint, writeAudit }: RuntimeParts): WorkingRuntime {
  const random = { ...seededRandom(), float: () => 0 }
  const ports = { store, clock, random, http, platform: nodePlatform() }
  const endpoints = endpoint ? [configured('idp', 'http://127.0.0.1:1/hook')] : []
  const hooks: Webhooks = webhooks(
    { connection: 'default', configured: endpoints },
    { ...ports, http: endpoint ?? http, guardedHttp: http },
  )
  const file: Relay | undefined = writeAudit && relay(store.outbox, jsonLines('audit-file', writeAudit), { clock })
  return { connection: 'default', store, ports, webhooks: hooks, auditRelays: { file, listener: undefined } }
}

/** Workers that run until the test stops them. */
export function started(
  runtime: WorkingRuntime,
  connections: readonly WorkedConnection[],
  options?: WorkersOptions,
): RunningWorkers & { of(name: WorkerName): Promise<WorkerHealth | undefined>; stop(): Promise<void> } {
  const ending = new AbortController()
  const workers = startWorkers(runtime, connections, ending.signal, options)
  return {
    ...workers,
    of: async (name) => (await workers.health()).find((one) => one.name === name),
    async stop() {
      ending.abort()
      await workers.stopped
    },
  }
}
