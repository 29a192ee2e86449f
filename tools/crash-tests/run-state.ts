import type { EventPlan } from './events/event-plan.ts'
import type { SharedFaults } from './events/shared-faults.ts'
import type { ProcessPool } from './process-pool.ts'

/** The state of a run. */
export interface RunState {
  readonly pool: ProcessPool
  readonly plan: EventPlan
  readonly environment: { readonly sharedFaults: SharedFaults; readonly database: string }
  isOver: boolean
  /** Resolves when the run is over. */
  readonly over: PromiseWithResolvers<void>
}

export function endRun(run: RunState): void {
  run.isOver = true
  run.over.resolve()
}

/** Counts one more under a name. */
export const increment = <Name extends string>(counts: Partial<Record<Name, number>>, name: Name): void => {
  counts[name] = (counts[name] ?? 0) + 1
}
