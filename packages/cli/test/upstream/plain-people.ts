import { randomUUID } from 'node:crypto'

/** What came in, as the plain upstream has read it. */
interface PlainRequest {
  /** `METHOD path`. */
  readonly key: string
  readonly body: string
  readonly scopes: readonly string[]
  readonly query: URLSearchParams
}

type Answer = [status: number, body: object]

/** The APIs of people and a CRM, by the documented contract alone. */
export interface PlainPeople {
  /** Undefined: the request is for something else. */
  answer(request: PlainRequest): Answer | undefined
  /** Attributes that were put, by guest. */
  readonly attributes: ReadonlyMap<string, object>
  /** Forgets all sessions, as when they have lapsed. */
  lapse(): void
}

const CHANNELS = '/api/v2/journey/actions/channels/'
const GUESTS = '/api/v2/engagements/guests'

/** `jwt` signs a token that lives an hour; `given` hears of every secret. */
export function plainPeople(jwt: (subject: string) => string, given: (secret: string) => void): PlainPeople {
  const sessions = new Map<string, string>()
  const refreshTokens = new Map<string, string>()
  const attributes = new Map<string, object>()

  const tokens = (guestId: string): { token: string; expiresIn: number; refreshToken: string } => {
    const refreshToken = `refresh-${randomUUID()}`
    refreshTokens.set(refreshToken, guestId)
    given(refreshToken)
    return { token: jwt(guestId), expiresIn: 3_600, refreshToken }
  }

  function create(body: string): Answer {
    const { email, channelId, consent } = JSON.parse(body) as Record<string, unknown>
    const key = `${String(email)} ${String(channelId)}`
    if (sessions.has(key)) return [409, { message: 'an active session exists', code: 'conflict', status: 409 }]
    const guestId = randomUUID()
    sessions.set(key, guestId)
    return [201, { guestId, ...tokens(guestId), email, consent, channelId, createdDate: '2026-01-01T00:00:00.000Z' }]
  }

  function refresh(body: string): Answer {
    const { refreshToken } = JSON.parse(body) as { refreshToken: string }
    const guestId = refreshTokens.get(refreshToken)
    refreshTokens.delete(refreshToken)
    return guestId ? [200, tokens(guestId)] : [409, { message: 'consumed', code: 'conflict', status: 409 }]
  }

  function put(guestId: string, body: string): Answer {
    attributes.set(guestId, (JSON.parse(body) as { attributes: object }).attributes)
    return [200, {}]
  }

  function user(body: string): Answer {
    const { name, email } = JSON.parse(body) as Record<string, unknown>
    // A gateway that lost the answer.
    if (name === 'Lost') return [502, {}]
    const id = randomUUID()
    return [200, { id, name, email, token: jwt(id), selfUri: `/api/v2/externalusers/guests/${id}` }]
  }

  const scopeOf = (key: string): string =>
    key.includes(CHANNELS) ? 'guest:read' : key.includes('externalusers') ? 'externalusers:write' : 'guest:write'

  function api({ key, body }: PlainRequest): Answer | undefined {
    if (key === `POST ${GUESTS}`) return create(body)
    if (key === `POST ${GUESTS}/refresh`) return refresh(body)
    if (key.startsWith(`PUT ${GUESTS}/`)) return put(key.split('/').at(-1) ?? '', body)
    if (key === `GET ${CHANNELS}web-1`) return [200, { id: 'web-1' }]
    if (key.startsWith(`GET ${CHANNELS}`)) return [404, { message: 'no such channel', code: 'not.found', status: 404 }]
    return key === 'POST /api/v2/externalusers/guests' ? user(body) : undefined
  }

  return {
    attributes,
    lapse: () => sessions.clear(),
    answer(request) {
      if (request.key === 'GET /crm/profiles') {
        const isKnown = request.query.get('email') === 'ann.example@mail.example'
        return isKnown ? [200, { customerId: 'c-17', tier: 'gold', lastInteraction: '2025-12-24' }] : [404, {}]
      }
      const answer = (): Answer | undefined => api(request)
      if (!/engagements|externalusers|channels/.test(request.key)) return undefined
      return request.scopes.includes(scopeOf(request.key)) ? answer() : [403, { code: 'missing.scope', status: 403 }]
    },
  }
}
