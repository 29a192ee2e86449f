import type { Millis } from '../../domain/time.ts'
import type { Policy } from '../../policy/pipeline.ts'
import type { Network } from '../answer.ts'
import type { CreatedGuest } from '../created-guest.ts'
import type { TryHooks } from '../try-hooks.ts'
import { createWriteCalls } from '../write-call.ts'
import { createAnswer, createdOf, createRequest, type CreateRequest, explainCreate } from './wire.ts'

/** The external users of the documented guest API, made on behalf of a signed-in user. */
export interface ExternalUsers {
  /** A new user with a token. Never repeated when it may have taken effect: then it rejects with `in_doubt`. */
  create(request: CreateRequest, requestId: string, hooks: TryHooks, patienceMs?: Millis): Promise<CreatedGuest>
}

export interface ExternalUsersOptions {
  readonly connection: string
  readonly api: string
}

/** `write` brings the access token of the signed-in user (`call.bearer`). */
export function externalUsers(
  { connection, api }: ExternalUsersOptions,
  { write }: { readonly write: Policy },
  network: Network,
): ExternalUsers {
  const send = createWriteCalls(connection, write, network)
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
