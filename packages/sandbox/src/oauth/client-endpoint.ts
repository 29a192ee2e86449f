import type { Answer, Call, Endpoint } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { type Form, formBody } from './form.ts'

/** Finds out which client is calling, or refuses. */
export type Authenticate = (call: Call, form: Form) => Promise<Client>

/** `POST /oauth/NAME` and its alias: a form that a client sends. */
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
