import * as z from 'zod/mini'
import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, Receipt } from '../answer.ts'
import type { Granted } from '../granted.ts'

/** What a guest token is asked for. */
export interface MintRequest {
  readonly guestId: string
  /** 1 to 86400. */
  readonly durationSeconds: number
  readonly scopes: readonly string[]
}

/** The scope that the service's access token needs for `generate-token`. */
export const MINT_SCOPE = 'webmessaging:guest:create'
/** The scope that it needs for refreshing guest tokens. */
export const REFRESH_SCOPE = 'webmessaging:guesttoken:write'

export const mintRequest = (
  api: string,
  bearer: Secret,
  { guestId, durationSeconds, scopes }: MintRequest,
): HttpRequest => ({
  method: 'POST',
  url: `${api}/api/v2/webmessaging/guests/generate-token`,
  headers: {
    accept: 'application/json',
    'content-type': 'application/json',
    authorization: `Bearer ${bearer.reveal()}`,
  },
  body: JSON.stringify({ guestId, expirationDurationSeconds: durationSeconds, scopes }),
  secrets: [bearer],
})

export const mintAnswer = z.object({ token: z.string().check(z.minLength(1)) })

export const mintedOf = ({ token }: z.output<typeof mintAnswer>, receipt: Receipt): Granted => ({
  ...receipt,
  access: new Secret(token),
})

/** The refusals of generate-token, worded with the remedy. */
export const explainMint: Explain = ({ status, code, message }) => {
  const said = message === '' ? '' : ` (${message})`
  if (status !== 403) return undefined
  return /scope/i.test(code)
    ? {
        code: 'access_denied',
        message: `the access token lacks the scope ${MINT_SCOPE}${said}. Add it to the OAuth client and to GENESYS_SCOPES`,
      }
    : {
        code: 'access_denied',
        message: `not permitted${said}. The guest may belong to another organisation, or the OAuth client may lack ${MINT_SCOPE}`,
      }
}
