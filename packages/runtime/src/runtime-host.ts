import type { Variables } from './config/layers.ts'

/** The program that a runtime works for: its environment, and how it prints. */
export interface RuntimeHost {
  readonly env: Variables
  /** The folder from which relative paths count. */
  readonly cwd: string
  /** Aborts when the program is asked to end. */
  readonly signal: AbortSignal
  /** Who acts, in events: `cli`, `library`. */
  readonly actor: string
  /** Prints a line for the operator. */
  note(line: string): void
  /** Prints a warning: something works less well than it was configured to. */
  warn(line: string): void
}
