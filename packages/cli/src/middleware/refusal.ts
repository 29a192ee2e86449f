import { GuestpassError, type Reason } from '@guestpass/core'
import { type ProblemResponse, problemResponse } from './problem-response.ts'

/** Why a request is refused: a reason of `verify`, or the number of its tokens. */
type RefusalReason = Reason | 'no_token' | 'several_tokens'

interface RefusalTerms {
  readonly code: 'token_invalid' | 'invalid_input'
  readonly status: number
  readonly detail: string
  readonly challenge?: string
}

/**
 * The terms of a refusal. Challenges are those of RFC 6750, section 3: without an error if the request has no
 * token, and with at least one parameter. For a valid token of another guest there is no error code, so that
 * no challenge is sent.
 */
function termsOf(reason: RefusalReason, scopes: readonly string[]): RefusalTerms {
  const code = 'token_invalid'
  switch (reason) {
    case 'no_token':
      return {
        code,
        status: 401,
        detail: 'The request has no guest token in `Authorization: Bearer TOKEN`.',
        challenge: 'Bearer realm="guest"',
      }
    case 'several_tokens':
      return {
        code: 'invalid_input',
        status: 400,
        detail: 'The request has more than one Authorization header.',
        challenge: 'Bearer error="invalid_request"',
      }
    case 'subject':
      return { code, status: 403, detail: 'The guest token is of another guest.' }
    case 'scope':
      return {
        code,
        status: 403,
        detail: 'The guest token lacks a scope.',
        challenge: `Bearer error="insufficient_scope", scope="${scopes.join(' ')}"`,
      }
    default:
      return {
        code,
        status: 401,
        detail: `The guest token is not valid: ${reason}.`,
        challenge: 'Bearer error="invalid_token"',
      }
  }
}

/** The answer to a request without a token, where it is read from another place than the header. */
export const noTokenResponse = (): ProblemResponse =>
  responseOf('no_token', {
    ...termsOf('no_token', []),
    detail: 'The request has no guest token where it is read from.',
  })

/** The answer to a refused request. `scopes`: those that the request needs. It shows nothing of the token. */
export const refusalResponse = (reason: RefusalReason, scopes: readonly string[]): ProblemResponse =>
  responseOf(reason, termsOf(reason, scopes))

function responseOf(reason: RefusalReason, { code, status, detail, challenge }: RefusalTerms): ProblemResponse {
  const problem = new GuestpassError(code, detail, { reason }).toProblem()
  return problemResponse({ ...problem, status }, challenge === undefined ? {} : { 'www-authenticate': challenge })
}
