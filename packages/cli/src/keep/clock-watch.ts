import { clockDifference, clockRemedy, type ServerClock } from '../doctor/server-clock.ts'
import type { KeepLog } from './keep-log.ts'

interface WatchParts {
  readonly server: Pick<ServerClock, 'offsetMs'>
  /** The address of the OAuth server. */
  readonly oauth: string
  readonly log: KeepLog
}

/** Logs when the clock of the upstream begins to differ from that of this machine, and when they agree again. */
export function createClockWatch({ server, oauth, log }: WatchParts): () => void {
  let differs = false
  return () => {
    const offsetMs = server.offsetMs()
    const difference = clockDifference(offsetMs)
    if (differs === (difference !== undefined)) return
    differs = difference !== undefined
    const facts = { offsetMs }
    if (difference === undefined)
      log({ event: 'clock_agrees', message: 'The clock of the upstream agrees with that of this machine.', facts })
    else {
      const message = `T${difference.slice(1)}: tokens may count as expired or not valid yet. ${clockRemedy(oauth)}`
      log({ event: 'clock_differs', level: 'warning', message, facts })
    }
  }
}
