/** Where text goes: standard output or standard error. */
export interface OutputStream {
  /**
   * Takes a text. Where it gives a promise, that rejects with what the system says when the text could not be
   * written.
   */
  write(text: string): unknown
  readonly isTTY?: boolean
  /** How wide the terminal is, in characters. */
  readonly columns?: number
}

/** What a run of the command line touches, handed in by main.ts and by tests. */
export interface HostProcess {
  /** What follows the program's name. */
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
}

/** The process was asked to end. */
export class Interruption extends Error {
  /** What work that stops for it hears: it was called off, which is nothing unforeseen. */
  override readonly name = 'AbortError'
  /** What the process exits with when work was cut short: 128 and the number of the signal. */
  readonly exit: number

  constructor(signal: string, exit: number) {
    super(`Interrupted by ${signal}.`)
    this.exit = exit
  }
}
