import { SECOND, type Millis } from '../../src/domain/time.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import { json } from './fake-upstream.ts'

/** Answers a refresh. `work()` lets it take effect; an answer that throws is lost. */
export type ScriptedRefresh = (work: () => HttpAnswer) => HttpAnswer | Promise<HttpAnswer>

/** An authorization server whose refresh tokens are used up by each refresh, and that ends a grant when one is used twice. */
export interface GrantServer {
  /** Answers token requests. */
  readonly answering: (request: HttpRequest) => Promise<HttpAnswer>
  /** A new grant: its first refresh token. */
  issue(scopes?: string): string
  /** Ends the grants of all refresh tokens. */
  end(): void
  /** Answers the next refreshes, one each. */
  meets(...next: readonly ScriptedRefresh[]): void
  /** The form of every refresh that came. */
  readonly refreshes: readonly URLSearchParams[]
  /** How often each refresh token was presented. */
  readonly presented: ReadonlyMap<string, number>
  /** How often the answer left open whether the refresh took effect. */
  readonly risked: ReadonlyMap<string, number>
  /** Grants that were ended because a refresh token came twice. */
  readonly reuses: () => number
}

/** Statuses that prove here that a refresh did nothing. */
const PROOFS: ReadonlySet<number> = new Set([400, 429, 503])

interface Spent {
  readonly at: Millis
  readonly answer: HttpAnswer
}

/** `graceMs`: how long the answer to a refresh is given again for the same refresh token; 0: never. */
export function grantServer(clock: FakeClock, { graceMs = 0, lifeSeconds = 3_600 } = {}): GrantServer {
  const living = new Map<string, string>()
  const spent = new Map<string, Spent>()
  const presented = new Map<string, number>()
  const risked = new Map<string, number>()
  const count = (tally: Map<string, number>, token: string): unknown => tally.set(token, (tally.get(token) ?? 0) + 1)
  const refreshes: URLSearchParams[] = []
  const waiting: ScriptedRefresh[] = []
  let issued = 0
  let reuses = 0

  const issue = (scopes = 'user:read guest:write'): string => {
    const token = `test-secret-refresh-${(issued += 1)}`
    living.set(token, scopes)
    return token
  }

  function refresh(form: URLSearchParams): HttpAnswer {
    const token = form.get('refresh_token') ?? ''
    const former = spent.get(token)
    if (former && clock.monotonic() - former.at < graceMs) return former.answer
    const granted = living.get(token)
    if (granted === undefined) {
      if (former) {
        reuses += 1
        living.clear()
      }
      return json(400, { error: 'invalid_grant', error_description: 'The refresh token is not valid.' })
    }
    const scope = form.get('scope') ?? granted
    if (!scope.split(' ').every((one) => granted.split(' ').includes(one))) return json(400, { error: 'invalid_scope' })
    living.delete(token)
    const next = issue(granted)
    const access_token = `test-secret-access-${issued}`
    const answer = json(200, {
      access_token,
      token_type: 'bearer',
      expires_in: lifeSeconds,
      refresh_token: next,
      scope,
    })
    spent.set(token, { at: clock.monotonic(), answer })
    return answer
  }

  return {
    async answering({ body = '' }) {
      const form = new URLSearchParams(body)
      if (form.get('grant_type') !== 'refresh_token')
        return json(200, { access_token: 'test-secret-by-client-credentials', expires_in: 3_600 })
      refreshes.push(form)
      const token = form.get('refresh_token') ?? ''
      count(presented, token)
      const scripted = waiting.shift() ?? ((work) => work())
      try {
        const answer = await scripted(() => refresh(form))
        if (!PROOFS.has(answer.status)) count(risked, token)
        return answer
      } catch (thrown) {
        count(risked, token)
        throw thrown
      }
    },
    issue,
    end: () => living.clear(),
    meets: (...next) => void waiting.push(...next),
    refreshes,
    presented,
    risked,
    reuses: () => reuses,
  }
}

/** The answer is lost after the refresh took effect. */
export const lostAfter: ScriptedRefresh = (work) => {
  work()
  throw new HttpFault('lost', 'socket hang up')
}
/** The request is lost before it took effect; the client cannot see the difference. */
export const lostBefore: ScriptedRefresh = () => {
  throw new HttpFault('lost', 'socket hang up')
}
export const answers =
  (status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): ScriptedRefresh =>
  () =>
    json(status, body, headers)
export const slow =
  (clock: FakeClock, ms = 2 * SECOND): ScriptedRefresh =>
  async (work) => {
    await clock.sleep(ms)
    return work()
  }
