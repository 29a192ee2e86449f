import type { Clock, Store } from '@guestpass/core'
import { defaultBurst, iso } from '@guestpass/core/runtime-kit'
import { type Millis, type RateLimitState, SECOND } from '@guestpass/core/store-kit'
import { type Finding, ok, warning } from './finding.ts'

/** Whose limit it is: a store, a connection and its clock. */
interface LimitedRuntime {
  readonly store: Pick<Store, 'rateLimitState'>
  readonly connection: string
  readonly ports: { readonly clock: Pick<Clock, 'wall'> }
}

/** A normal load waits no longer for its next request. */
const USUAL_WAIT: Millis = SECOND

/** What has a limit of its own, by its rate-limit key. */
const limited = { api: 'requests to the API', token: 'requests for access tokens' } as const

/**
 * Reads the rate limits that all processes on the store share. `perMinute`: the limit of the configuration. The
 * requests of doctor itself do not count in it.
 */
export async function rateLimit(runtime: LimitedRuntime, perMinute: number): Promise<Finding> {
  const { store, connection, ports } = runtime
  const read = Object.entries(limited).map(async ([key, what]) => ({
    what,
    limit: await store.rateLimitState(connection, key, { perMinute, burst: defaultBurst }),
  }))
  const all = await Promise.all(read)
  const held = all.filter(({ limit }) => limit.waitMs > USUAL_WAIT)
  if (held.length === 0) {
    const paced = all.map(({ what, limit }) => (limit.namedSince === undefined ? '' : `; ${what}: ${paceText(limit)}`))
    return ok('rate limit', `requests can be sent now, at most ${perMinute} a minute${paced.join('')}`)
  }
  const texts = held.map(
    ({ what, limit }) =>
      `${what} wait: ${paceText(limit)}, next request possible at ${iso(ports.clock.wall() + limit.waitMs)}`,
  )
  return warning('rate limit', texts.join('; '), remedyFor(held.map(({ limit }) => limit)))
}

/** A setting is named only if it is what slows the requests. */
function remedyFor(held: readonly RateLimitState[]): string {
  if (held.some(({ pauseMs }) => pauseMs > 0)) return REFUSED
  return held.every(({ namedSince }) => namedSince !== undefined) ? NAMED : BUSY
}

/** A limit that the configuration alone sets has no beginning. */
const paceText = ({ perMinute, namedSince }: RateLimitState): string =>
  `paced to ${perMinute} a minute${namedSince === undefined ? '' : ` since ${iso(namedSince)}, as the upstream allows`}`

const REFUSED =
  'The upstream asked to wait. If this happens often, send fewer requests, or set GENESYS_RATE_LIMIT to what the upstream allows.'
const NAMED =
  'The upstream allows less than GENESYS_RATE_LIMIT. Send fewer requests, or ask for a higher limit. The pace rises with the next answer that allows more.'
const BUSY =
  'More is asked for than the limit allows. If the upstream allows more, raise GENESYS_RATE_LIMIT; else send fewer requests.'
