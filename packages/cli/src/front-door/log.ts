import { escapeForTerminal } from '@guestpass/runtime'
import { processDefaults } from './process.ts'

/** A function that gets notes and warnings for the operator, one line a call. Lines never contain a secret. */
export type Log = (line: string) => void

/** Prints notes and warnings of the front door. */
export interface FrontDoorLog {
  note(line: string): void
  warn(line: string): void
}

/**
 * Wraps the option `log`. Default: each line is printed once on standard error. Errors of `log` are ignored.
 */
export function createFrontDoorLog(log: Log = createStandardErrorLog()): FrontDoorLog {
  const write = (line: string): void => {
    try {
      log(line)
    } catch {
      // There is no other place to report it.
    }
  }
  return { note: write, warn: (line) => write(`warning: ${line}`) }
}

/** How many lines are remembered, so that they are not printed again. */
const MAX_REMEMBERED = 1_000

function createStandardErrorLog(): Log {
  const printed = new Set<string>()
  return (line) => {
    if (printed.has(line)) return
    // The memory must not grow with the life of the process.
    if (printed.size >= MAX_REMEMBERED) printed.clear()
    printed.add(line)
    processDefaults.print(`guestpass: ${escapeForTerminal(line)}`)
  }
}
