import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, AnswerFacts } from '../answer.ts'
import { openObject, type Read, text } from '../body.ts'
import type { CreatedGuest } from '../created-guest.ts'
import { publicMembers } from '../public-members.ts'
import { jsonRequest } from '../json-request.ts'
import { personalTexts } from '../personal-texts.ts'
import { CREATE_SCOPES } from '../scopes.ts'
import { upstreamId } from '../upstream-id.ts'

export interface CreateRequest {
  readonly email: string
  readonly name: string
  readonly attributes?: Readonly<Record<string, string>>
}

export const createRequest = (
  api: string,
  bearer: Secret,
  { name, email, attributes }: CreateRequest,
  requestId: string,
): HttpRequest =>
  jsonRequest('POST', `${api}/api/v2/externalusers/guests`, {
    bearer,
    headers: { 'x-genesys-request-id': requestId },
    body: { name, email, ...(attributes === undefined ? {} : { customAttributes: attributes }) },
    secrets: personalTexts([email, name], attributes),
  })

export const createAnswer = openObject({
  id: upstreamId,
  token: text(),
})

export const createdOf = (body: Read<typeof createAnswer>, receipt: AnswerFacts): CreatedGuest => ({
  ...receipt,
  guestId: body.id,
  access: new Secret(body.token),
  upstream: publicMembers(body, [body.token]),
})

/** The refusals of a create, worded with the remedy. */
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
    message: `not permitted${said}. It takes the sign-in of a user who may do this: \`guestpass login\``,
  }
}
