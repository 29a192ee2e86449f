import type { GuestpassError } from '@guestpass/core'
import { withVariables } from '../commands/runner/remedies.ts'
import { asGuestpassError } from '@guestpass/core/store-kit'

/** The failures of one job. */
interface JobFailures {
  /** Adds an error. */
  readonly record: (thrown: unknown) => undefined
  /** Prints each code once, with the number of its errors and the first message. */
  report(): void
}

export function createJobFailures(job: string, note: (line: string) => void): JobFailures {
  const all: GuestpassError[] = []
  return {
    record(thrown) {
      all.push(withVariables(asGuestpassError(thrown)))
      return undefined
    },
    report() {
      for (const [code, of] of Map.groupBy(all, (error) => error.code))
        note(`${job}: ${of.length} failed with ${code}: ${of[0]?.message}`)
    },
  }
}
