import type { GuestpassError } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'

/** Why things of one job failed. */
export interface Faults {
  readonly caught: (thrown: unknown) => undefined
  /** Says each code once, with how often it came and its first message. */
  tell(): void
}

export function faults(job: string, note: (line: string) => void): Faults {
  const all: GuestpassError[] = []
  return {
    caught(thrown) {
      all.push(asGuestpassError(thrown))
      return undefined
    },
    tell() {
      for (const [code, of] of Map.groupBy(all, (error) => error.code))
        note(`${job}: ${of.length} failed with ${code}: ${of[0]?.message}`)
    },
  }
}
