import type { Answer, Call, Endpoint } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { type Form, formBody } from './form.ts'

/** Authenticates the client of a call. Refuses with `invalid_client`. */
export type Authenticate = (call: Call, form: Form) => Promise<Client>

/** An endpoint `POST /oauth/NAME`, and its alias, that takes a form of an authenticated client. */
export const clientEndpoint = (
  operation: string,
  name: string,
  authenticate: Authenticate,
  answer: (client: Client, form: Form, call: Call) => Answer,
): Endpoint => ({
  operation,
  method: 'POST',
  paths: [`/oauth/${name}`, `/api/v2/oauth/${name}`],
  dialect: 'oauth',
  answer: async (call) => {
    const form = formBody(call)
    return answer(await authenticate(call, form), form, call)
  },
})
