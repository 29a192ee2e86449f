import type { Clock, ConnectionPorts } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import { type Instant, type Millis, MINUTE, SECOND } from '@guestpass/core/store-kit'
import { counted } from '../counted.ts'
import type { KeepLog } from './keep-log.ts'

type Http = ConnectionPorts['http']

/** A single lost packet is no outage: each call is tried again. */
const FAILURES_OF_OUTAGE = 2
/** The limit counts as ended if no answer was 429 for this time. */
const LIMIT_ENDS: Millis = MINUTE

/** A server of the upstream, as the requests of this process met it. */
export interface UpstreamStatus {
  readonly origin: string
  /** Absent as long as no request was answered and fewer than two failed. */
  readonly reachable?: boolean
  /** Since when that is so, ISO 8601. */
  readonly since?: string
  /** Why the last request failed; absent after an answer. */
  readonly error?: string
  /** Whether an answer of the last minute was 429. */
  readonly limited: boolean
}

interface UpstreamServer {
  readonly origin: string
  isReachable: boolean | undefined
  since: Instant
  failures: number
  error: string | undefined
  limitedAt: Instant | undefined
  refusals: number
}

/** Requests whose outcomes tell which servers of the upstream can be reached. */
export interface UpstreamWatch {
  readonly http: Http
  status(): readonly UpstreamStatus[]
  /** Logs limits that have ended. */
  look(): void
}

interface WatchParts {
  readonly http: Http
  readonly clock: Pick<Clock, 'wall'>
  readonly log: KeepLog
  /** Aborts when the process ends: its requests are then no failures. */
  readonly signal: AbortSignal
}

/** Logs when a server of the upstream is reached, is no longer reached, or refuses by its rate limit. */
export function createUpstreamWatch(parts: WatchParts): UpstreamWatch {
  const servers = new Map<string, UpstreamServer>()
  const serverOf = (url: string): UpstreamServer => {
    const { origin } = new URL(url)
    const known = servers.get(origin) ?? newServer(origin)
    servers.set(origin, known)
    return known
  }
  return {
    async http(request, signal) {
      const server = serverOf(request.url)
      try {
        const answer = await parts.http(request, signal)
        onAnswer(parts, server, answer)
        return answer
      } catch (thrown) {
        if (!parts.signal.aborted) onFailure(parts, server, textOf(thrown))
        throw thrown
      }
    },
    status: () => [...servers.values()].map(statusOf),
    look: () => {
      for (const server of servers.values()) endLimit(parts, server)
    },
  }
}

const newServer = (origin: string): UpstreamServer => ({
  origin,
  isReachable: undefined,
  since: 0,
  failures: 0,
  error: undefined,
  limitedAt: undefined,
  refusals: 0,
})

const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

function onAnswer(
  parts: WatchParts,
  server: UpstreamServer,
  { status, headers }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): void {
  if (status >= 500) return onFailure(parts, server, `it answers ${status}`)
  if (status === 429) onRefusal(parts, server, headers['retry-after'])
  server.failures = 0
  server.error = undefined
  if (server.isReachable === true) return
  const now = parts.clock.wall()
  const { origin, isReachable, since } = server
  const downSeconds = isReachable === false ? Math.round((now - since) / SECOND) : undefined
  Object.assign(server, { isReachable: true, since: now })
  const again = downSeconds === undefined ? 'answers' : `answers again after ${downSeconds} s`
  parts.log({ event: 'upstream_reachable', message: `${origin} ${again}.`, facts: { origin, downSeconds } })
}

function onFailure({ clock, log }: WatchParts, server: UpstreamServer, error: string): void {
  server.failures += 1
  server.error = error
  if (server.failures < FAILURES_OF_OUTAGE || server.isReachable === false) return
  Object.assign(server, { isReachable: false, since: clock.wall() })
  const { origin } = server
  const message = `${origin} cannot be reached, or fails: ${error}. Requests are repeated; tokens in use stay valid to their end.`
  log({ event: 'upstream_unreachable', level: 'error', message, facts: { origin, error } })
}

function onRefusal({ clock, log }: WatchParts, server: UpstreamServer, retryAfter: string | undefined): void {
  const isFirst = server.limitedAt === undefined
  server.limitedAt = clock.wall()
  server.refusals += 1
  if (!isFirst) return
  const { origin } = server
  const wait = retryAfter === undefined ? '' : ` It asks to wait (Retry-After: ${retryAfter}).`
  const message = `${origin} answers 429: its rate limit is reached.${wait} Requests are sent more slowly.`
  log({ event: 'rate_limited', level: 'warning', message, facts: { origin, retryAfter } })
}

function endLimit({ clock, log }: WatchParts, server: UpstreamServer): void {
  const { origin, limitedAt, refusals } = server
  if (limitedAt === undefined || clock.wall() - limitedAt < LIMIT_ENDS) return
  Object.assign(server, { limitedAt: undefined, refusals: 0 })
  const message = `${origin} has not answered 429 for a minute; before, it did so ${counted(refusals, 'time')}.`
  log({ event: 'rate_limit_ended', message, facts: { origin, refusals } })
}

const statusOf = ({ origin, isReachable, since, error, limitedAt }: UpstreamServer): UpstreamStatus => ({
  origin,
  ...(isReachable === undefined ? {} : { reachable: isReachable, since: iso(since) }),
  ...(error === undefined ? {} : { error }),
  limited: limitedAt !== undefined,
})
