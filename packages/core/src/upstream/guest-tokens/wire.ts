import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, AnswerFacts } from '../answer.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import { lenient, object, type Read, text } from '../body.ts'
import { jsonRequest } from '../json-request.ts'
import { pathSegment } from '../path-segment.ts'
import { upstreamId } from '../upstream-id.ts'
import { MINT_SCOPE, REFRESH_SCOPE } from './scopes.ts'

/** The guest, lifetime and scopes of a new guest token. */
export interface MintRequest {
  readonly guestId: string
  /** The lifetime in seconds, from 1 to 86400. */
  readonly durationSeconds: number
  readonly scopes: readonly string[]
}

/** The request that mints a token. */
export const mintRequest = (
  api: string,
  bearer: Secret,
  { guestId, durationSeconds, scopes }: MintRequest,
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/webmessaging/guests/generate-token`, {
    bearer,
    body: { guestId, expirationDurationSeconds: durationSeconds, scopes },
  })

export const mintAnswer = object({ token: text() })

export const mintedOf = ({ token }: Read<typeof mintAnswer>, facts: AnswerFacts): GrantedTokens => ({
  ...facts,
  access: new Secret(token),
})

/** The request that refreshes a token. It takes effect once for each Idempotency-Key, a UUID v4. */
export const refreshRequest = (
  api: string,
  bearer: Secret,
  { guestTokenId, idempotencyKey }: RefreshRequest,
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/conversations/webmessaging/guesttokens/${pathSegment(guestTokenId)}/refresh`, {
    bearer,
    headers: { 'idempotency-key': idempotencyKey },
    body: {},
  })

/** The token to refresh, and the Idempotency-Key of the refresh. */
export interface RefreshRequest {
  /** The guest's id, until an answer names another. */
  readonly guestTokenId: string
  readonly idempotencyKey: string
}

export const refreshAnswer = object({
  guestToken: text(),
  guestTokenId: lenient(upstreamId),
})

/** A refreshed token, and the id by which upstream knows it from now on. */
export interface Refreshed extends GrantedTokens {
  readonly guestTokenId?: string
}

export const refreshedOf = (
  { guestToken, guestTokenId }: Read<typeof refreshAnswer>,
  facts: AnswerFacts,
): Refreshed => ({
  ...facts,
  access: new Secret(guestToken),
  ...(guestTokenId === undefined ? {} : { guestTokenId }),
})

/**
 * Explains refusals of a refresh. 409: it is still running. 400 and 404: the token cannot be refreshed at
 * all. 422: the Idempotency-Key was used for another request.
 */
export const explainRefresh: Explain = ({ status, code, message }) => {
  const said = message === '' ? '' : ` (${message})`
  if (status === 409) return { code: 'upstream_busy', message: `the refresh is still running${said}`, again: true }
  if (status === 400 || status === 404)
    return { code: 'refresh_impossible', message: `upstream cannot refresh this guest token${said}` }
  if (status === 422)
    return { code: 'refresh_impossible', message: `the Idempotency-Key was used for another request${said}` }
  if (status !== 403) return undefined
  return forbidden(code, said, REFRESH_SCOPE)
}

/** Explains refusals of `generate-token`. */
export const explainMint: Explain = ({ status, code, message }) =>
  status === 403 ? forbidden(code, message === '' ? '' : ` (${message})`, MINT_SCOPE) : undefined

const forbidden = (code: string, said: string, scope: string): { code: 'access_denied'; message: string } => ({
  code: 'access_denied',
  message: /scope/i.test(code)
    ? `the access token lacks the scope ${scope}${said}. Add it to the OAuth client, and to \`scopes\` where that is set`
    : `not permitted${said}. The guest may belong to another organisation, or the OAuth client may lack ${scope}`,
})
