import type { TutorialKey } from './tutorial-keys.ts'
import { type Answer, type Body, type Call, oddMembers, ok, refuse, UUID } from './tutorial-wire.ts'

/** The session and the token of the tutorial that refreshes guest tokens: they have different ids. */
export const SESSION = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'
export const SUB = 'guest-session-123'

const UUID_V4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const GUEST_SCOPES = ['send', 'receive', 'read', 'update'].map((name) => `webmessaging:guest:${name}`)

/** The calls that mint and refresh ephemeral guest tokens. */
export function ephemeralCalls({ jwt }: TutorialKey): readonly Call[] {
  const minted = new Map<string, Body>([[SESSION, { sub: SUB, scope: 'webmessaging:guest:send' }]])
  const refreshed = new Map<string, Answer>()

  const refresh: Call['works'] = ({ headers, body }, id) => {
    const key = String(headers['idempotency-key'])
    const claims = minted.get(id)
    if (!UUID_V4.test(key) || body !== '{}' || !claims) return refuse('no such session, or no idempotency key')
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const answer = () =>
      ok({ guestTokenId: id, guestToken: jwt(claims), expiresAt, createdAt: expiresAt, updatedAt: expiresAt })
    if (!refreshed.has(key)) refreshed.set(key, answer())
    return refreshed.get(key) ?? answer()
  }

  const generate: Call['works'] = (_came, _id, body) => {
    const { guestId, expirationDurationSeconds: seconds, scopes } = body
    const odd = oddMembers(body, { needs: ['guestId', 'expirationDurationSeconds', 'scopes'] })
    const fits =
      UUID.test(String(guestId)) &&
      Number.isInteger(seconds) &&
      Number(seconds) >= 1 &&
      Number(seconds) <= 86_400 &&
      Array.isArray(scopes) &&
      scopes.length > 0 &&
      scopes.every((scope) => GUEST_SCOPES.includes(String(scope)))
    if (odd.length > 0 || !fits) return refuse('schema')
    const claims = { sub: guestId, scope: scopes }
    minted.set(String(guestId), claims)
    return ok({ token: jwt({ ...claims, exp: Math.floor(Date.now() / 1_000) + Number(seconds) }) })
  }

  return [
    {
      at: /^POST \/api\/v2\/conversations\/webmessaging\/guesttokens\/([^/]+)\/refresh$/,
      scopes: ['webmessaging:guesttoken:write'],
      works: refresh,
    },
    {
      at: /^POST \/api\/v2\/webmessaging\/guests\/generate-token$/,
      scopes: ['webmessaging:guest:create'],
      works: generate,
    },
  ]
}
