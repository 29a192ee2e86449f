import { randomUUID } from 'node:crypto'
import type { TutorialKey } from './tutorial-keys.ts'
import { type Answer, type Call, oddMembers, ok, refuse, UUID } from './tutorial-wire.ts'

/** The channel that is there. */
export const CHANNEL = 'web-1'
/** The person whom the CRM knows. */
export const CUSTOMER = { email: 'ann.example@mail.example', customerId: 'c-17', tier: 'gold' }

const CREATED = '2026-01-01T00:00:00.000Z'

/** The calls of guests who are people with an address. */
export function peopleCalls({ jwt }: TutorialKey): readonly Call[] {
  const sessions = new Map<string, string>()
  const refreshTokens = new Map<string, string>()

  function guestTokens(guestId: string): object {
    const refreshToken = `guest-refresh-${randomUUID()}`
    refreshTokens.set(refreshToken, guestId)
    return { token: jwt({ sub: guestId }), expiresIn: 3_600, refreshToken }
  }

  const create: Call['works'] = ({ headers }, _id, body) => {
    const { email, consent, channelId } = body
    const odd = oddMembers(body, { needs: ['email', 'consent', 'channelId'], may: ['name', 'attributes'] })
    const isTraced = UUID.test(String(headers['x-genesys-request-id']))
    if (odd.length > 0 || consent !== true || channelId !== CHANNEL || !isTraced) return refuse('schema')
    const key = `${String(email)} ${channelId}`
    if (sessions.has(key)) return refuse('exists', 409)
    const guestId = randomUUID()
    sessions.set(key, guestId)
    return { status: 201, body: { guestId, ...guestTokens(guestId), email, consent, channelId, createdDate: CREATED } }
  }

  const rotate: Call['works'] = (_came, _id, { refreshToken }) => {
    const guestId = refreshTokens.get(String(refreshToken))
    refreshTokens.delete(String(refreshToken))
    return guestId ? ok(guestTokens(guestId)) : refuse('consumed', 409)
  }

  const user: Call['works'] = (_came, _id, body) => {
    const { name, email, customAttributes = {} } = body
    const odd = oddMembers(body, { needs: ['name', 'email'], may: ['customAttributes'] })
    const isText = Object.values(customAttributes as object).every((value) => typeof value === 'string')
    if (odd.length > 0 || !isText) return refuse('schema')
    const id = randomUUID()
    const updatedDate = '2026-01-02T00:00:00.000Z'
    const selfUri = `/api/v2/externalusers/guests/${id}`
    return ok({ id, name, email, token: jwt({ sub: id }), createdDate: CREATED, updatedDate, selfUri })
  }

  return [
    { at: /^POST \/api\/v2\/engagements\/guests$/, scopes: ['guest:write'], works: create },
    { at: /^POST \/api\/v2\/engagements\/guests\/refresh$/, scopes: ['guest:write'], works: rotate },
    {
      at: /^PUT \/api\/v2\/engagements\/guests\/([^/]+)$/,
      scopes: ['guest:write'],
      works: (_came, id, body) =>
        oddMembers(body, { needs: ['attributes'] }).length === 0 && [...sessions.values()].includes(id)
          ? ok({})
          : refuse('no such guest', 404),
    },
    {
      at: /^GET \/api\/v2\/journey\/actions\/channels\/([^/]+)$/,
      scopes: ['guest:read'],
      works: (_came, id) => (id === CHANNEL ? ok({ id }) : refuse('no such channel', 404)),
    },
    {
      at: /^POST \/api\/v2\/externalusers\/guests$/,
      scopes: ['externalusers:write', 'webmessaging:guest:create'],
      refusal: 401,
      works: user,
    },
  ]
}

/** The CRM of the tutorial that authenticates guests. */
export const crmProfile = (query: URLSearchParams): Answer =>
  query.get('email') === CUSTOMER.email
    ? ok({ customerId: CUSTOMER.customerId, tier: CUSTOMER.tier, lastInteraction: '2025-12-24T10:00:00.000Z' })
    : refuse('no such customer', 404)
