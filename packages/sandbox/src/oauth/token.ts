import type { Answer, Call, Endpoint } from '../endpoint.ts'
import { oauthRefusal } from '../refusal.ts'
import type { Authenticate } from './client-endpoint.ts'
import type { Client } from './clients.ts'
import { type Form, formBody, required } from './form.ts'

/** The body of a token answer. */
export type TokenAnswer = Readonly<Record<string, unknown>>

/** One value of `grant_type`. */
export interface Grant {
  readonly type: string
  /** Issues the tokens. Throws a Refusal. */
  tokens(client: Client, form: Form, call: Call): Promise<TokenAnswer>
}

interface TokenEndpointParts {
  readonly grants: readonly Grant[]
  readonly authenticate: Authenticate
}

/** `POST /oauth/token` and its alias: reads the form, authenticates the client, and calls the grant. */
export function tokenEndpoint({ grants, authenticate }: TokenEndpointParts): Endpoint {
  const byType = new Map(grants.map((grant) => [grant.type, grant]))
  return {
    operation: 'token',
    method: 'POST',
    paths: ['/oauth/token', '/api/v2/oauth/token'],
    dialect: 'oauth',
    answer: async (call): Promise<Answer> => {
      const form = formBody(call)
      const grant = byType.get(required(form, 'grant_type'))
      if (grant === undefined) {
        throw oauthRefusal(400, 'unsupported_grant_type', `grant_type is one of ${[...byType.keys()].join(', ')}`)
      }
      call.note({ grant: grant.type })
      const json = await grant.tokens(await authenticate(call, form), form, call)
      return { status: 200, headers: { 'cache-control': 'no-store' }, json }
    },
  }
}
