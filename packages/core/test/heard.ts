import { asGuestpassError, type ErrorCode } from '../src/errors.ts'
import type { WorkerObserver } from '../src/ports/worker.ts'

/** An observer of a worker that notes what it hears. */
export function hearing() {
  const heard: ('succeeded' | ErrorCode)[] = []
  const messages: string[] = []
  const observer: WorkerObserver = {
    succeeded: () => void heard.push('succeeded'),
    failed(error) {
      const { code, message } = asGuestpassError(error)
      heard.push(code)
      messages.push(message)
    },
  }
  return { observer, heard, messages, last: () => heard.at(-1) }
}
