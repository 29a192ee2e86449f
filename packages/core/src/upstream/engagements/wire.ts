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
import { READ_SCOPE, WRITE_SCOPE } from '../scopes.ts'
import { upstreamId } from '../upstream-id.ts'

export interface CreateRequest {
  readonly email: string
  readonly channelId: string
  readonly name?: string
  readonly attributes?: Readonly<Record<string, Json>>
}

/** `requestId` only traces: a request that is sent twice makes two guests, or is refused. */
export const createRequest = (
  api: string,
  bearer: Secret,
  { email, channelId, name, attributes }: CreateRequest,
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
      ...(attributes === undefined ? {} : { attributes }),
    },
    secrets: personalTexts([email, name], attributes),
  })

const token = text()

export const createAnswer = openObject({
  guestId: upstreamId,
  token,
  expiresIn: anything,
  refreshToken: lenient(text()),
})

export const createdOf = (body: Read<typeof createAnswer>, receipt: AnswerFacts): CreatedGuest => ({
  ...refreshedOf(body, receipt),
  guestId: body.guestId,
  upstream: publicMembers(body, [body.token, ...(body.refreshToken === undefined ? [] : [body.refreshToken])]),
})

/** Uses the refresh token up; the answer brings the next one, or leaves the one there is. */
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
  token,
  expiresIn: anything,
  refreshToken: lenient(text()),
})

export const refreshedOf = (
  { token, expiresIn, refreshToken }: Read<typeof refreshAnswer>,
  receipt: AnswerFacts,
): GrantedTokens => {
  // Absent: the token itself says when it ends.
  const life = statedLifetime(expiresIn)
  return {
    ...receipt,
    access: new Secret(token),
    ...(life === undefined ? {} : { lifetime: life }),
    ...(refreshToken === undefined ? {} : { refresh: new Secret(refreshToken) }),
  }
}

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

export const channelRequest = (api: string, bearer: Secret, channelId: string): HttpRequest =>
  jsonRequest('GET', `${api}/api/v2/journey/actions/channels/${pathSegment(channelId)}`, { bearer })

/** What is in it is nobody's business here: that it is there says enough. */
export const anyAnswer = anything

const told = (message: string): string => (message === '' ? '' : ` (${message})`)

/** The refusals of a create: 409 means that upstream has a session for this address and channel. */
export const explainCreate: Explain = ({ status, code, message }) => {
  if (status === 409)
    return { code: 'session_exists', message: `upstream has a session for this address and channel${told(message)}` }
  return status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined
}

/** The refusals of a refresh: 409 means that the refresh token was used up; 400 and 404 that upstream does not know it. */
export const explainRefresh: Explain = ({ status, code, message }) => {
  if (status === 409)
    return { code: 'refresh_impossible', message: `the refresh token was used up before${told(message)}` }
  if (status === 400 || status === 404)
    return { code: 'refresh_impossible', message: `upstream cannot refresh this guest's token${told(message)}` }
  return status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined
}

export const explainUpdate: Explain = ({ status, code, message }) =>
  status === 403 ? forbidden(code, message, WRITE_SCOPE) : undefined

/** Why a channel cannot be used. */
export const explainChannel: Explain = ({ status, code, message }) => {
  if (status === 404)
    return {
      code: 'channel_unavailable',
      message: `upstream has no such channel, or it is not provisioned${told(message)}`,
    }
  return status === 403 ? forbidden(code, message, READ_SCOPE) : undefined
}

const forbidden = (code: string, message: string, scope: string): { code: 'access_denied'; message: string } => ({
  code: 'access_denied',
  message: /scope/i.test(code)
    ? `the access token lacks the scope ${scope}${told(message)}. Add it to the OAuth client, and to GENESYS_SCOPES where that is set`
    : `not permitted${told(message)}`,
})
