import { checkOptions, millisOrInfinity } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { type Policy, TryFailure } from './pipeline.ts'
import { withTimeLimit } from './time-limit.ts'

/**
 * Bounds one try. A try that takes longer fails as one whose answer was lost, because the upstream may have
 * acted on it; if nothing of the request was written, it fails as one that was not sent.
 *
 * @param eachMs milliseconds, at least 1; Infinity for no bound
 * @throws `config_invalid` for a wrong `eachMs`
 */
export function timeout(eachMs: Millis, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('timeout', ['timeoutMs', eachMs, millisOrInfinity])
  return (next) => async (call) => {
    let isSent = false
    const onSend = (): void => {
      isSent = true
      call.onSend()
    }
    const overdue = (): TryFailure =>
      new TryFailure({
        code: 'upstream_unavailable',
        sent: isSent ? 'unknown' : 'no',
        message: `${call.operation}: ${isSent ? 'no answer' : 'not sent'} within ${eachMs / SECOND} s.`,
      })
    return withTimeLimit(next, { ...call, onSend }, eachMs, overdue, clock)
  }
}
