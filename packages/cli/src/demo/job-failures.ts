import type { GuestpassError } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'

/** Why things of one job failed. */
export interface JobFailures {
  readonly record: (thrown: unknown) => undefined
  /** Says each code once, with how often it came and its first message. */
  report(): void
}

export function createJobFailures(job: string, note: (line: string) => void): JobFailures {
  const all: GuestpassError[] = []
  return {
    record(thrown) {
      all.push(asGuestpassError(thrown))
      return undefined
    },
    report() {
      for (const [code, of] of Map.groupBy(all, (error) => error.code))
        note(`${job}: ${of.length} failed with ${code}: ${of[0]?.message}`)
    },
  }
}
