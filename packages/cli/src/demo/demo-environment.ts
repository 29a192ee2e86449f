import type { Clock, Connection, Store } from '@guestpass/core'
import type { Sandbox } from '@guestpass/sandbox'
import type { ProgressBar } from '../commands/runner/progress-bar.ts'
import type { KeepProcess } from './keep-process.ts'

/** Who acts in the demo, in events. */
export const DEMO_CONTEXT = { actor: 'demo' } as const

/** The sandbox, the store and the connection that the jobs of the demo use. */
export interface DemoEnvironment {
  readonly upstream: Sandbox
  readonly connection: Connection
  /** Another connection on the same store, as another process has it. */
  connect(name: string, scopes?: readonly string[]): Promise<Connection>
  readonly store: Store
  readonly clock: Clock
  /** Prints a line. */
  note(line: string): void
  progress(title: string, total: number): Promise<ProgressBar>
  /** Starts another process that keeps sessions renewed, on the same store. */
  worker(): KeepProcess
  readonly signal: AbortSignal
}
