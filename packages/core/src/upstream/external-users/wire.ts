import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, AnswerFacts } from '../answer.ts'
import { openObject, type Read, text } from '../body.ts'
import type { CreatedGuest } from '../created-guest.ts'
import { publicMembers } from '../public-members.ts'
import { jsonRequest } from '../json-request.ts'
import { personalTexts } from '../personal-texts.ts'
import { upstreamId } from '../upstream-id.ts'
import { CREATE_SCOPES } from './scopes.ts'

/** What a user is made of. */
export interface CreateRequest {
  readonly email: string
  readonly name: string
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/**
 * The request that makes a user. `requestId` only traces it: a request that is sent twice makes two users.
 */
export const createRequest = (
  api: string,
  bearer: Secret,
  { name, email, attributes = {} }: CreateRequest,
  requestId: string,
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/externalusers/guests`, {
    bearer,
    headers: { 'x-genesys-request-id': requestId },
    body: { name, email, ...(Object.keys(attributes).length === 0 ? {} : { customAttributes: attributes }) },
    secrets: personalTexts([email, name], attributes),
  })

export const createAnswer = openObject({
  id: upstreamId,
  token: text(),
})

export const createdOf = (body: Read<typeof createAnswer>, facts: AnswerFacts): CreatedGuest => ({
  ...facts,
  guestId: body.id,
  access: new Secret(body.token),
  upstream: publicMembers(body, [body.token]),
})

/** Explains refusals of a create. */
export const explainCreate: Explain = ({ status, code, message }) => {
  const said = message === '' ? '' : ` (${message})`
  if (status === 409) return { code: 'session_exists', message: `upstream has a user of this address${said}` }
  if (status !== 403 && status !== 401) return undefined
  if (/scope/i.test(code)) {
    const scopes = CREATE_SCOPES.join(', ')
    return {
      code: 'access_denied',
      message: `the access token lacks a scope of ${scopes}${said}. Sign in with these scopes`,
    }
  }
  if (status === 401) return undefined
  return {
    code: 'access_denied',
    message: `not permitted${said}. It takes the sign-in of a user who may make external users`,
  }
}
