import type { Json } from '../../domain/json.ts'
import { statedLifetime } from '../../domain/lifetime.ts'
import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, AnswerFacts } from '../answer.ts'
import { anything, lenient, object, openObject, type Read, text } from '../body.ts'
import type { CreatedGuest } from '../created-guest.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import { publicMembers } from '../public-members.ts'
import { jsonRequest } from '../json-request.ts'
import { pathSegment } from '../path-segment.ts'
import { personalTexts } from '../personal-texts.ts'
import { upstreamId } from '../upstream-id.ts'
import { READ_SCOPE, WRITE_SCOPE } from './scopes.ts'

/** What a guest is made of. */
export interface CreateRequest {
  readonly email: string
  readonly channelId: string
  readonly name?: string | undefined
  readonly attributes?: Readonly<Record<string, Json>> | undefined
}

/** The request that makes a guest. `requestId` only traces it: the API has no Idempotency-Key. */
export const createRequest = (
  api: string,
  bearer: Secret,
  { email, channelId, name, attributes = {} }: CreateRequest,
  requestId: string,
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/engagements/guests`, {
    bearer,
    headers: { 'x-genesys-request-id': requestId },
    body: {
      email,
      consent: true,
      channelId,
      ...(name === undefined ? {} : { name }),
      ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    },
    secrets: personalTexts([email, name], attributes),
  })

export const createAnswer = openObject({
  guestId: upstreamId,
  token: text(),
  expiresIn: anything,
  refreshToken: lenient(text()),
})

export const createdOf = (body: Read<typeof createAnswer>, facts: AnswerFacts): CreatedGuest => ({
  ...refreshedOf(body, facts),
  guestId: body.guestId,
  upstream: publicMembers(body, [body.token, ...(body.refreshToken === undefined ? [] : [body.refreshToken])]),
})

/**
 * The request that exchanges a refresh token, which is used up by it. The answer brings the next one, or
 * keeps the one there is.
 */
export const refreshRequest = (
  api: string,
  bearer: Secret,
  refreshToken: Secret,
  about: readonly Secret[] = [],
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/engagements/guests/refresh`, {
    bearer,
    body: { refreshToken: refreshToken.reveal() },
    secrets: [refreshToken, ...about],
  })

export const refreshAnswer = object({
  token: text(),
  expiresIn: anything,
  refreshToken: lenient(text()),
})

export const refreshedOf = (
  { token, expiresIn, refreshToken }: Read<typeof refreshAnswer>,
  facts: AnswerFacts,
): GrantedTokens => {
  // Absent: the token itself says when it ends.
  const life = statedLifetime(expiresIn)
  return {
    ...facts,
    access: new Secret(token),
    ...(life === undefined ? {} : { lifetime: life }),
    ...(refreshToken === undefined ? {} : { refresh: new Secret(refreshToken) }),
  }
}

/** The request that replaces the attributes of a guest. */
export const updateRequest = (
  api: string,
  bearer: Secret,
  guestId: string,
  attributes: Readonly<Record<string, Json>>,
  about: readonly Secret[] = [],
): HttpRequest =>
  jsonRequest('PUT', `${api}/api/v2/engagements/guests/${pathSegment(guestId)}`, {
    bearer,
    body: { attributes },
    secrets: [...personalTexts([], attributes), ...about],
  })

/** The request that looks at a channel. */
export const channelRequest = (api: string, bearer: Secret, channelId: string): HttpRequest =>
  jsonRequest('GET', `${api}/api/v2/journey/actions/channels/${pathSegment(channelId)}`, { bearer })

/** An answer of which only the status counts. */
export const anyAnswer = anything

const inParentheses = (message: string): string => (message === '' ? '' : ` (${message})`)

/** Explains refusals of a create. 409: the upstream has a session for this address and channel. */
export const explainCreate: Explain = ({ status, code, message }) => {
  if (status === 409)
    return {
      code: 'session_exists',
      message: `upstream has a session for this address and channel${inParentheses(message)}`,
    }
  return status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined
}

/**
 * Explains refusals of a refresh. 409: the refresh token was used up before. 400 and 404: the upstream does
 * not know it.
 */
export const explainRefresh: Explain = ({ status, code, message }) => {
  if (status === 409)
    return { code: 'refresh_impossible', message: `the refresh token was used up before${inParentheses(message)}` }
  if (status === 400 || status === 404)
    return {
      code: 'refresh_impossible',
      message: `upstream cannot refresh this guest's token${inParentheses(message)}`,
    }
  return status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined
}

/** Explains refusals of an update. */
export const explainUpdate: Explain = ({ status, code, message }) =>
  status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined

/** Explains why a channel cannot be used. */
export const explainChannel: Explain = ({ status, code, message }) => {
  if (status === 404)
    return {
      code: 'channel_unavailable',
      message: `upstream has no such channel, or it is not provisioned${inParentheses(message)}`,
    }
  return status === 403 ? forbidden(code, message, READ_SCOPE) : undefined
}

const forbidden = (code: string, message: string, scope: string): { code: 'access_denied'; message: string } => ({
  code: 'access_denied',
  message: /scope/i.test(code)
    ? `the access token lacks the scope ${scope}${inParentheses(message)}. Add it to the OAuth client, and to \`scopes\` where that is set`
    : `not permitted${inParentheses(message)}`,
})
