import { randomBytes } from 'node:crypto'
import type { Clock } from '@guestpass/core'
import { equalInConstantTime } from '@guestpass/core/runtime-kit'
import { MINUTE } from '@guestpass/core/store-kit'

/** A code in an address that begins a session once. */
export interface OneTimeCode {
  readonly text: string
  /** Whether the text is the code, for the first time and in time. */
  take(text: string): boolean
}

/** How long the code is valid. */
const LIFETIME = 10 * MINUTE

export function createOneTimeCode(clock: Clock): OneTimeCode {
  const text = randomBytes(32).toString('base64url')
  const until = clock.monotonic() + LIFETIME
  let isTaken = false
  return {
    text,
    take(given) {
      if (isTaken || clock.monotonic() > until || !equalInConstantTime(given, text)) return false
      isTaken = true
      return true
    },
  }
}
