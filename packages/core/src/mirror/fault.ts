import type { Millis } from '../domain/time.ts'
import type { UpstreamFacts } from '../domain/errors.ts'

/** A document could not be had this time. The message is a clause that says why. */
export class DocumentFault extends Error {
  readonly upstream?: UpstreamFacts
  /** How long the server asks to wait, in milliseconds. */
  readonly toldMs?: Millis | undefined
  /** Whether the message says what to do. */
  readonly isAdvised: boolean

  constructor(
    why: string,
    facts: { upstream?: UpstreamFacts; toldMs?: Millis | undefined; isAdvised?: boolean; cause?: unknown } = {},
  ) {
    super(why, { cause: facts.cause })
    if (facts.upstream) this.upstream = facts.upstream
    this.toldMs = facts.toldMs
    this.isAdvised = facts.isAdvised ?? false
  }
}
