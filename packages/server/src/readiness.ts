import type { WorkerHealth } from '@guestpass/runtime'
import type { ServedConnection, ServedConnections } from './connections/served-connection.ts'

/** Whether an instance takes requests, as JSON. */
export interface ReadinessDocument {
  /** `unavailable`: a store cannot be read or written. `stopping`: it was asked to stop. */
  readonly status: 'ready' | 'starting' | 'stopping' | 'unavailable'
  readonly connections: readonly {
    readonly connection: string
    readonly store: 'ok' | 'failing'
    /** The state of each worker. A worker that fails does not make an instance unready: it is tried again. */
    readonly workers: Readonly<Record<string, WorkerHealth['state']>>
  }[]
}

/** Whether this instance takes requests. */
export interface Readiness {
  /** Looks at the stores now. */
  look(): Promise<ReadinessDocument>
  /** Whether it has started and was not asked to stop. */
  isOpen(): boolean
  started(): void
  stopping(): void
}

export function createReadiness(connections: ServedConnections): Readiness {
  let phase: 'starting' | 'ready' | 'stopping' = 'starting'
  return {
    isOpen: () => phase === 'ready',
    started: () => void (phase = phase === 'starting' ? 'ready' : phase),
    stopping: () => void (phase = 'stopping'),
    async look() {
      const found = await Promise.all(connections.all.map(connectionState))
      const isFailing = found.some(({ store }) => store === 'failing')
      return { status: phase === 'ready' && isFailing ? 'unavailable' : phase, connections: found }
    },
  }
}

async function connectionState({ name, background }: ServedConnection) {
  const { store, workers } = await background.health()
  return {
    connection: name,
    store: store.error ? ('failing' as const) : ('ok' as const),
    workers: Object.fromEntries(workers.map((worker) => [worker.name, worker.state])),
  }
}
