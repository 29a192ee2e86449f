import { type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import { createKeyedStates } from '../../policy/keyed-states.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'

/** What rejects or accepts an access token: an origin, or one resource of it (RFC 6750). */
export interface Resource {
  /** The origin (RFC 6454), as `https://api.mypurecloud.ie`. */
  readonly origin: string
  /** Names one of several resources of the origin, as `GET /api/v2/users/me`. Default: the whole origin. */
  readonly name?: string
}

/** A token of a credential. */
interface TokenVersion {
  readonly credentialId: string
  readonly generation: number
}

/**
 * Damps renewals for refused tokens (401). A first refusal renews. While resources of an origin go on refusing, their next renewal comes 1 s
 * after the one before, then 2 s, doubled up to 5 min: one that refuses every token costs no more of them. A resource that takes a
 * token again ends its part in that.
 */
export interface Rejections {
  /**
   * Whether a token is to be renewed because a resource refused it; also true for one that has been already, and always where it is not
   * known which resource did.
   */
  shouldRenew(token: TokenVersion, by: Resource | undefined): boolean
  /** Says that a resource took a token. */
  recordAccepted(token: TokenVersion, by: Resource): void
  /** Says that a credential has this token: where it is newer than the refused one, the wait for the next renewal begins. */
  recordIssued(token: TokenVersion): void
  /** The newest generation that is refused; -1: none. */
  newestRejected(of: string): number
}

const FIRST: Millis = SECOND
/** The longest wait between two renewals for refused tokens. */
export const LONGEST: Millis = 5 * MINUTE
/** The wait that follows one; 0: the first. */
export const waitAfter = (waitMs: Millis): Millis => Math.min(Math.max(waitMs * 2, FIRST), LONGEST)
/** The most that resources wait which take tokens as a rule, while another one of their origin refuses all. */
const LONGEST_OF_OTHERS: Millis = 30 * SECOND
/** The most rejecting resources of one origin that are counted apart. */
const MOST_NAMES = 100

interface Damped {
  /** 0: nothing is damped. */
  waitMs: Millis
  /** Since the latest renewal. */
  sinceRenewal: () => Millis
  /** Since the latest refusal. */
  sinceRefusal: () => Millis
  /** The resources that refuse. */
  readonly refusers: Set<string>
  /** The latest generation that a resource of the origin took. */
  accepted: number
}

/** So many credentials are remembered. */
const MOST_CREDENTIALS = 1_000

/** The newest generation of a credential that was refused, and the origin that waits for its successor. */
interface Refused {
  readonly generation: number
  readonly at: Damped | undefined
}

const NEVER = (): Millis => Number.POSITIVE_INFINITY

const nothing = (): Damped => ({
  waitMs: 0,
  sinceRenewal: NEVER,
  sinceRefusal: NEVER,
  refusers: new Set(),
  accepted: -1,
})

export function createRejections(clock: Clock): Rejections {
  const origins = createKeyedStates(nothing)
  const refused = new Map<string, Refused>()
  const damped = (of: string, { origin }: Resource): Damped => origins(of, origin)
  const remember = (of: string, one: Refused): void => {
    const [eldest = of] = refused.keys()
    if (!refused.has(of) && refused.size >= MOST_CREDENTIALS) refused.delete(eldest)
    refused.set(of, one)
  }

  /** Takes a refusal down. Whether the token is to be renewed for it. */
  function isDue(at: Damped, generation: number, name = ''): boolean {
    const isOver = at.sinceRefusal() > LONGEST
    const isOther = at.accepted === generation && !at.refusers.has(name)
    const waitMs = isOther ? Math.min(at.waitMs, LONGEST_OF_OTHERS) : at.waitMs
    const due = isOver || at.sinceRenewal() >= waitMs
    if (isOver) at.refusers.clear()
    if (at.refusers.size < MOST_NAMES) at.refusers.add(name)
    at.sinceRefusal = stopwatch(clock)
    if (!due) return false
    at.waitMs = waitAfter(isOver ? 0 : at.waitMs)
    at.sinceRenewal = stopwatch(clock)
    return true
  }

  return {
    shouldRenew({ credentialId, generation }, by) {
      if (generation <= (refused.get(credentialId)?.generation ?? -1)) return true
      const at = by && damped(credentialId, by)
      if (at && !isDue(at, generation, by.name)) return false
      remember(credentialId, { generation, at })
      return true
    },
    recordAccepted({ credentialId, generation }, by) {
      if (!refused.has(credentialId)) return
      const at = damped(credentialId, by)
      at.accepted = generation
      at.refusers.delete(by.name ?? '')
      if (at.refusers.size === 0) at.waitMs = 0
    },
    recordIssued({ credentialId, generation }) {
      const latest = refused.get(credentialId)
      if (!latest?.at || generation <= latest.generation) return
      latest.at.sinceRenewal = stopwatch(clock)
      remember(credentialId, { generation: latest.generation, at: undefined })
    },
    newestRejected: (of) => refused.get(of)?.generation ?? -1,
  }
}
