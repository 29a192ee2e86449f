import type { Variables } from './config/layers.ts'

/** The program that a runtime works for: its environment, and how it prints. */
export interface RuntimeHost {
  /** The environment: `process.env`. */
  readonly env: Variables
  /** The folder that relative paths begin at. */
  readonly cwd: string
  /** Aborts when the program is asked to end. `Runtime.close` then waits for no renewal or request. */
  readonly signal: AbortSignal
  /** Who acts, in events: `cli`, `library`. */
  readonly actor: string
  /** Prints a line for the operator. */
  note(line: string): void
  /** Prints a warning: something works less well than it was configured to. */
  warn(line: string): void
}
