import type { Millis } from '../../domain/time.ts'
import type { Policy } from '../../policy/pipeline.ts'
import type { Network } from '../answer.ts'
import type { Created } from '../created.ts'
import type { Sending } from '../sending.ts'
import { sentOnce } from '../sent-once.ts'
import { createAnswer, createdOf, createRequest, type CreateRequest, explainCreate } from './wire.ts'

/** The external users of the documented guest API, made on behalf of a signed-in user. */
export interface ExternalUsers {
  /** A new user with a token. Never repeated when it may have taken effect: then it rejects with `in_doubt`. */
  create(request: CreateRequest, requestId: string, sending: Sending, patienceMs?: Millis): Promise<Created>
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
  const send = sentOnce(connection, write, network)
  return {
    create: (request, requestId, sending, patienceMs) =>
      send({
        operation: 'create-user',
        request: (bearer) => createRequest(api, bearer, request, requestId),
        answer: createAnswer,
        read: createdOf,
        explain: explainCreate,
        sending,
        patienceMs,
      }),
  }
}
