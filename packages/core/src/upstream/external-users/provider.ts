import type { AuthenticatingCalls, CheckedRequest, ProviderParts } from '../guest-api.ts'
import { createWriteCalls } from '../write-call.ts'
import { CREATE_SCOPES } from './scopes.ts'
import { createAnswer, createdOf, createRequest, type CreateRequest, explainCreate } from './wire.ts'

/** The calls of the external-users API, on the access token of the signed-in user. */
export function externalUserCalls({
  connection,
  api,
  network,
  policyFor,
}: ProviderParts): AuthenticatingCalls<CheckedRequest & CreateRequest> {
  const send = createWriteCalls(connection, policyFor(CREATE_SCOPES), network)
  return {
    create: (request, requestId, hooks, patienceMs) =>
      send({
        operation: 'create-user',
        request: (bearer) => createRequest(api, bearer, request, requestId),
        answer: createAnswer,
        read: createdOf,
        explain: explainCreate,
        hooks,
        patienceMs,
      }),
  }
}
