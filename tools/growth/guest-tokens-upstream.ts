import { generateKeyPairSync, sign } from 'node:crypto'
import type { Clock } from '@guestpass/core'
import type { Http, HttpAnswer } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'

/** An upstream in memory that issues and refreshes guest tokens of the API `guest-tokens`. */
export interface GuestTokensUpstream {
  readonly http: Http
  /** The key of its guest tokens, as PEM. */
  readonly publicKey: string
  /** How many guest tokens it has signed. */
  readonly counts: () => { readonly issued: number; readonly refreshed: number }
}

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const jsonAnswer = (body: unknown): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  bytes: new TextEncoder().encode(JSON.stringify(body)),
})

export function guestTokensUpstream(clock: Pick<Clock, 'wall'>, lifeSeconds: number): GuestTokensUpstream {
  const scopes = new Map<string, unknown>()
  let issued = 0
  let refreshed = 0
  const tokenOf = (sub: string): string => {
    const iat = Math.floor(clock.wall() / SECOND)
    const claims = { sub, scope: scopes.get(sub), iat, nbf: iat, exp: iat + lifeSeconds, jti: `${issued + refreshed}` }
    const input = `${base64url({ alg: 'ES256', typ: 'JWT' })}.${base64url(claims)}`
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }
  const granted = {
    access_token: 'test-secret-access-token',
    token_type: 'bearer',
    expires_in: 86_400,
    scope: 'webmessaging:guest:create webmessaging:guesttoken:write',
  }
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    counts: () => ({ issued, refreshed }),
    async http(request) {
      request.onSend?.()
      if (request.url.endsWith('/oauth/token')) return jsonAnswer(granted)
      const refreshedId = /guesttokens\/([^/]+)\/refresh$/.exec(request.url)?.[1]
      if (refreshedId !== undefined) {
        refreshed += 1
        return jsonAnswer({ guestTokenId: refreshedId, guestToken: tokenOf(refreshedId) })
      }
      const asked = JSON.parse(request.body ?? '{}') as { readonly guestId: string; readonly scopes: unknown }
      issued += 1
      scopes.set(asked.guestId, asked.scopes)
      return jsonAnswer({ token: tokenOf(asked.guestId) })
    },
  }
}
