import { escapeForTerminal } from '@guestpass/runtime'
import { processDefaults } from './process.ts'

/** Takes a line for the people who run the program: what was made, what works less well than it was set up to. Never a secret. */
export type Log = (line: string) => void

/** Where the front door says things. */
export interface FrontDoorLog {
  note(line: string): void
  warn(line: string): void
}

/** The log of an option; without one each line is printed once on standard error. What `log` throws harms nothing. */
export function frontDoorLog(log: Log = createStandardErrorLog()): FrontDoorLog {
  const say = (line: string): void => {
    try {
      log(line)
    } catch {
      // There is nowhere left to say it.
    }
  }
  return { note: say, warn: (line) => say(`warning: ${line}`) }
}

/** Lines that are remembered. */
const MOST = 1_000

function createStandardErrorLog(): Log {
  const printed = new Set<string>()
  return (line) => {
    if (printed.has(line)) return
    // So that it does not grow with the life of the process.
    if (printed.size >= MOST) printed.clear()
    printed.add(line)
    processDefaults.print(`guestpass: ${escapeForTerminal(line)}`)
  }
}
