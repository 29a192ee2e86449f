import { asGuestpassError, type ErrorCode } from '../../src/domain/errors.ts'
import type { WorkerObserver } from '../../src/ports/worker.ts'

/** An observer of a worker that records its calls. */
export function recordingObserver() {
  const calls: ('succeeded' | ErrorCode)[] = []
  const messages: string[] = []
  const observer: WorkerObserver = {
    succeeded: () => void calls.push('succeeded'),
    failed(error) {
      const { code, message } = asGuestpassError(error)
      calls.push(code)
      messages.push(message)
    },
  }
  return { observer, calls, messages, last: () => calls.at(-1) }
}
