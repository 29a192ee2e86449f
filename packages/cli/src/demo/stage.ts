import type { Clock, Connection, Store } from '@guestpass/core'
import type { Sandbox } from '@guestpass/sandbox'
import type { Progress } from '../frame/progress.ts'
import type { Worker } from './worker.ts'

/** Who acts in the demo, in events. */
export const DEMO = { actor: 'demo' } as const

/** What the demo's jobs play on. */
export interface Stage {
  readonly upstream: Sandbox
  readonly connection: Connection
  /** Another connection on the same store, as another process has it. */
  connect(name: string, scopes?: readonly string[]): Promise<Connection>
  readonly store: Store
  readonly clock: Clock
  /** A line for people. */
  note(line: string): void
  progress(title: string, total: number): Progress
  /** Starts another process that keeps sessions renewed, on the same store. */
  worker(): Worker
  readonly signal: AbortSignal
}
