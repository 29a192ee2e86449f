import { type Instant, type Millis, MINUTE, SECOND } from '@guestpass/core'

/*
 * What is to last for a while is stored with the moment when it was written. Where that moment is still to come, a clock was ahead
 * that wrote it, and what it wrote holds nobody up any longer. The clocks of processes differ a little: that much is let pass.
 */
const TOLERANCE: Millis = SECOND

/** What was written after this moment was written by a clock that was ahead. */
export const ahead = (now: Instant): Instant => now + TOLERANCE

/** By how much a document may end later than its own life from now: longer than clocks of machines differ. */
export const DOCUMENT_TOLERANCE: Millis = MINUTE
