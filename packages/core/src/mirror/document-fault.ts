import type { Millis } from '../domain/time.ts'
import type { UpstreamFacts } from '../domain/errors.ts'

/** Facts of a failed fetch. */
interface FaultFacts {
  readonly upstream?: UpstreamFacts
  readonly retryAfterMs?: Millis | undefined
  readonly hasRemedy?: boolean
  readonly cause?: unknown
}

/** A document could not be fetched or used this time. The message is a clause that gives the cause. */
export class DocumentFault extends Error {
  readonly upstream?: UpstreamFacts
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs?: Millis | undefined
  /** Whether the message says what to do. */
  readonly hasRemedy: boolean

  constructor(message: string, { upstream, retryAfterMs, hasRemedy = false, cause }: FaultFacts = {}) {
    super(message, { cause })
    if (upstream) this.upstream = upstream
    this.retryAfterMs = retryAfterMs
    this.hasRemedy = hasRemedy
  }
}
