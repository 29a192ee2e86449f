import { randomUUID } from 'node:crypto'
import { SECOND } from '../../src/domain/time.ts'
import { type Http, type HttpAnswer, type HttpRequest } from '../../src/ports/http.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import { json, jwt } from './fake-upstream.ts'
import { type ScriptedAnswer, unlessAborted } from './scripted-answers.ts'

export type Kind = 'token' | 'keys' | 'create' | 'refresh' | 'update' | 'channel' | 'crm' | 'user'

interface Session {
  readonly guestId: string
  readonly key: string
  readonly refreshToken: string
  readonly expiresAt: number
  readonly refreshes: number
}

/**
 * An upstream in memory with the engagements and external-users APIs as they are documented, and a CRM: one session for an address
 * and channel (409 otherwise), refresh tokens that are used up (409 afterwards), channels that are there until said otherwise.
 */
export interface ApplicantUpstream {
  readonly http: Http
  /** Requests so far, by kind. */
  readonly asked: Readonly<Record<Kind, HttpRequest[]>>
  /** Answers the next requests of a kind, one each. */
  meets(kind: Kind, ...next: readonly ScriptedAnswer[]): void
  /** Removes the scripted answers of `meets`. */
  forgive(): void
  /** Answers every request of a kind from now on; undefined: as the API does. */
  always(kind: Kind, answer: ScriptedAnswer | undefined): void
  /** Guests that were made. */
  readonly sessions: readonly Session[]
  /** Forgets all sessions, as when they have expired. */
  lapse(): void
  /** Attributes that were put, by guest. */
  readonly attributes: ReadonlyMap<string, Readonly<Record<string, unknown>>>
  /** Claims that tokens have as well, or instead. */
  says: Record<string, unknown>
  /** Members that answers to creates have as well, or instead. */
  answers: Record<string, unknown>
  /** Scopes that tokens are granted in the place of those asked for. */
  scopes: string | undefined
  /** What the CRM knows, by address. */
  readonly customers: Map<string, Readonly<Record<string, unknown>>>
  /** How long its tokens live, in seconds. */
  expiresIn: number
}

export function applicantUpstream(clock: Pick<FakeClock, 'wall'>): ApplicantUpstream {
  const asked: Record<Kind, HttpRequest[]> = {
    token: [],
    keys: [],
    create: [],
    refresh: [],
    update: [],
    channel: [],
    crm: [],
    user: [],
  }
  const script = new Map<Kind, ScriptedAnswer[]>()
  const lasting = new Map<Kind, ScriptedAnswer>()
  const sessions: Session[] = []
  const attributes = new Map<string, Readonly<Record<string, unknown>>>()
  let tokens = 0

  const bodyOf = ({ body = '{}' }: HttpRequest): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>

  function tokenOf(sub: string): string {
    const now = Math.floor(clock.wall() / SECOND)
    tokens += 1
    return jwt({ sub, iat: now, exp: now + upstream.expiresIn, jti: `token-${tokens}`, ...upstream.says })
  }

  function granted(request: HttpRequest): HttpAnswer {
    const scope = upstream.scopes ?? new URLSearchParams(request.body).get('scope') ?? ''
    return json(200, { access_token: `access-${asked.token.length}`, token_type: 'bearer', expires_in: 3_600, scope })
  }

  function opened(guestId: string, key: string, refreshes = 0): { token: string; refreshToken: string } {
    const refreshToken = `refresh-${guestId}-${refreshes}`
    const expiresAt = clock.wall() + upstream.expiresIn * SECOND
    const rest = sessions.filter((one) => one.guestId !== guestId)
    sessions.splice(0, sessions.length, ...rest, { guestId, key, refreshToken, expiresAt, refreshes })
    return { token: tokenOf(guestId), refreshToken }
  }

  function created(request: HttpRequest): HttpAnswer {
    const { email, channelId } = bodyOf(request)
    const key = `${String(email)} ${String(channelId)}`
    if (sessions.some((one) => one.key === key && clock.wall() < one.expiresAt)) return json(409, { code: 'conflict' })
    const guestId = randomUUID()
    const rest = { guestId, expiresIn: upstream.expiresIn, email, channelId, consent: true }
    return json(201, { ...rest, ...opened(guestId, key), ...upstream.answers })
  }

  function refreshed(request: HttpRequest): HttpAnswer {
    const { refreshToken } = bodyOf(request)
    const session = sessions.find((one) => one.refreshToken === refreshToken)
    if (!session) return json(409, { code: 'token.consumed' })
    return json(200, {
      expiresIn: upstream.expiresIn,
      ...opened(session.guestId, session.key, session.refreshes + 1),
      ...upstream.answers,
    })
  }

  function updated(request: HttpRequest): HttpAnswer {
    attributes.set(request.url.split('/').at(-1) ?? '', bodyOf(request)['attributes'] as Record<string, unknown>)
    return json(200, {})
  }

  function user(request: HttpRequest): HttpAnswer {
    const { name, email } = bodyOf(request)
    const id = randomUUID()
    opened(id, `user ${id}`)
    return json(201, { id, name, email, token: tokenOf(id), ...upstream.answers })
  }

  function crm(request: HttpRequest): HttpAnswer {
    const customer = upstream.customers.get(new URL(request.url).searchParams.get('email') ?? '')
    return customer ? json(200, customer) : json(404, {})
  }

  const works: Readonly<Record<Kind, (request: HttpRequest) => HttpAnswer>> = {
    token: granted,
    keys: () => json(503, {}),
    create: created,
    refresh: refreshed,
    update: updated,
    channel: () => json(200, {}),
    crm,
    user,
  }

  function kindOf({ method, url }: HttpRequest): Kind {
    const { pathname } = new URL(url)
    if (pathname.endsWith('/oauth/token')) return 'token'
    if (pathname.endsWith('/jwks.json')) return 'keys'
    if (pathname.endsWith('/profiles')) return 'crm'
    if (pathname.includes('/journey/actions/channels/')) return 'channel'
    if (pathname.endsWith('/externalusers/guests')) return 'user'
    if (pathname.endsWith('/guests/refresh')) return 'refresh'
    return method === 'PUT' ? 'update' : 'create'
  }

  const upstream: ApplicantUpstream = {
    asked,
    sessions,
    lapse: () => void sessions.splice(0),
    attributes,
    says: {},
    answers: {},
    scopes: undefined,
    customers: new Map(),
    expiresIn: 3_600,
    meets: (kind, ...next) => void script.set(kind, [...(script.get(kind) ?? []), ...next]),
    forgive: () => script.clear(),
    always(kind, answer) {
      if (answer) lasting.set(kind, answer)
      else lasting.delete(kind)
    },
    async http(request, signal) {
      signal.throwIfAborted()
      request.onSend?.()
      const kind = kindOf(request)
      asked[kind].push(request)
      const work = (): HttpAnswer => works[kind](request)
      const answer = script.get(kind)?.shift() ?? lasting.get(kind)
      if (!answer) return work()
      return unlessAborted(signal, answer(work, request, signal))
    },
  }
  return upstream
}

/** It takes effect, but the answer cannot be read. */
export const garbled: ScriptedAnswer = (work) => {
  work()
  return { status: 200, headers: { 'content-type': 'text/html' }, bytes: new TextEncoder().encode('<html>') }
}
