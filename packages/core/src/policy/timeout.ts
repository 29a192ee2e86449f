import { checkOptions, noEnd } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { type Policy, TryFailure } from './pipeline.ts'
import { timeBox } from './time-box.ts'

/**
 * Bounds one try: `eachMs` milliseconds, more than 0; Infinity for no bound. A try that takes longer fails as one whose answer was lost,
 * because upstream may have acted on it; as one that was not sent when nothing of it was written.
 */
export function timeout(eachMs: Millis, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('timeout', ['timeoutMs', eachMs, noEnd])
  return (next) => async (call) => {
    let isSent = false
    const sent = (): void => {
      isSent = true
      call.sent()
    }
    const overdue = (): TryFailure =>
      new TryFailure({
        code: 'upstream_unavailable',
        sent: isSent ? 'unknown' : 'no',
        message: `${call.operation}: ${isSent ? 'no answer' : 'not sent'} within ${eachMs / SECOND} s.`,
      })
    return timeBox(next, { ...call, sent }, eachMs, overdue, clock)
  }
}
