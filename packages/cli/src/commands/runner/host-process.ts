/** Standard output or standard error. */
export interface OutputStream {
  /**
   * Takes a text. Where it gives a promise, that rejects with what the system says when the text could not be
   * written.
   */
  write(text: string): unknown
  readonly isTTY?: boolean
  /** The width of the terminal, in characters. */
  readonly columns?: number
}

/** The process of a command line: its arguments, streams and signals. Tests give a fake one. */
export interface HostProcess {
  /** The arguments after the name of the program. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly pid: number
  /** The file that Node runs for this program, for commands that start it once more. */
  readonly program: string
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Standard input, read to its end; at most 1 MiB. */
  input(): Promise<Uint8Array>
  /** Aborts with an `Interruption` at the first signal that asks the process to end. */
  readonly signal: AbortSignal
  readonly version: string
  /**
   * Sets how long the work may take to end after `signal` aborted, in milliseconds. Then the process ends at once.
   * Absent: 5 s, or as long as the caller of the runner waits.
   */
  setGrace?(ms: number): void
  /** Keeps the secrets in the memory of the process out of reports, cores and the inspector. Absent in tests. */
  harden?(): void
}

/** The process was asked to end. */
export class Interruption extends Error {
  /** What work that stops for it hears: it was called off, which is nothing unforeseen. */
  override readonly name = 'AbortError'
  /** What the process exits with when work was cut short: 128 and the number of the signal. */
  readonly exit: number
  /** The name of the signal, or of what else asked for it. */
  readonly by: string

  constructor(by: string, exit: number) {
    super(`Interrupted by ${by}.`)
    this.by = by
    this.exit = exit
  }
}
