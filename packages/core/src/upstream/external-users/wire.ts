import * as z from 'zod/mini'
import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, Receipt } from '../answer.ts'
import type { Created } from '../created.ts'
import { jsonRequest } from '../json-request.ts'

/** The scopes that the signed-in user's access token needs. */
export const CREATE_SCOPES: readonly string[] = ['externalusers:write', 'webmessaging:guest:create']

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
    secrets: [new Secret(email), new Secret(name)],
  })

export const createAnswer = z.object({
  id: z.string().check(z.minLength(1), z.maxLength(200)),
  token: z.string().check(z.minLength(1)),
})

export const createdOf = ({ id, token }: z.output<typeof createAnswer>, receipt: Receipt): Created => ({
  ...receipt,
  guestId: id,
  access: new Secret(token),
})

/** The refusals of a create, worded with the remedy. */
export const explainCreate: Explain = ({ status, code, message }) => {
  const said = message === '' ? '' : ` (${message})`
  if (status === 409) return { code: 'session_exists', message: `upstream has a user of this address${said}` }
  if (status !== 403) return undefined
  return {
    code: 'access_denied',
    message: /scope/i.test(code)
      ? `the user's access token lacks a scope of ${CREATE_SCOPES.join(', ')}${said}. Sign in again with these scopes`
      : `the signed-in user is not permitted to do this${said}`,
  }
}
