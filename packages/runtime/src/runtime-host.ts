import type { Variables } from './config/layers.ts'

/** The program that a runtime works for. */
export interface RuntimeHost {
  readonly env: Variables
  /** The folder from which relative paths count. */
  readonly cwd: string
  /** Aborts when the program is asked to end. */
  readonly signal: AbortSignal
  /** Who acts, in events: `cli`, `library`. */
  readonly actor: string
  /** Takes a line that the operator should read. */
  note(line: string): void
  /** Takes a warning: something works less well than it was set up to. */
  warn(line: string): void
}
