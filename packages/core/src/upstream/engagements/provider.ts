import type { Secret } from '../../domain/secret.ts'
import { type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead } from '../answer.ts'
import type { AuthenticatingCalls, CheckedRequest, ProviderParts } from '../guest-api.ts'
import { createWriteCalls } from '../write-call.ts'
import {
  anyAnswer,
  channelRequest,
  createAnswer,
  createdOf,
  createRequest,
  type CreateRequest,
  explainChannel,
  explainCreate,
  explainRefresh,
  explainUpdate,
  refreshAnswer,
  refreshedOf,
  refreshRequest,
  updateRequest,
} from './wire.ts'
import { READ_SCOPE, WRITE_SCOPE } from './scopes.ts'

/** The calls of the engagements API. Its 409 to a create means a session for the address and channel. */
type EngagementCalls = Required<AuthenticatingCalls<CheckedRequest & CreateRequest>>

/** The calls of the engagements API. One access token with all its scopes serves them all. */
export function engagementCalls(parts: ProviderParts): EngagementCalls {
  const { connection, api, network, policyFor } = parts
  const both = [WRITE_SCOPE, READ_SCOPE]
  const [write, read] = [policyFor([WRITE_SCOPE], both), policyFor([READ_SCOPE], both)]
  const send = createWriteCalls(connection, write, network)
  return {
    create: (request, requestId, hooks, patienceMs) =>
      send({
        operation: 'create-guest',
        request: (bearer) => createRequest(api, bearer, request, requestId),
        answer: createAnswer,
        read: createdOf,
        explain: explainCreate,
        hooks,
        patienceMs,
      }),
    refresh: (refreshToken, hooks, patienceMs, about) =>
      send({
        operation: 'refresh-guest',
        request: (bearer) => refreshRequest(api, bearer, refreshToken, about),
        answer: refreshAnswer,
        read: refreshedOf,
        explain: explainRefresh,
        hooks,
        patienceMs,
      }),
    update: (...of) => updateGuest(parts, write, ...of),
    channel: (channelId) => readChannel(parts, read, channelId),
  }
}

const repeatable = (connection: string, operation: string): Call =>
  openCall({ connection, operation, rateLimitKey: 'api', repeatable: true })

async function updateGuest(
  { connection, api, network }: ProviderParts,
  write: Policy,
  ...[guestId, attributes, about]: Parameters<EngagementCalls['update']>
): Promise<void> {
  await write(async (call) => {
    const request = updateRequest(api, call.bearer as Secret, guestId, attributes, about)
    await sendAndRead(network, request, anyAnswer, call, { explain: explainUpdate })
  })(repeatable(connection, 'update-guest'))
}

async function readChannel(
  { connection, api, network }: ProviderParts,
  read: Policy,
  channelId: string,
): Promise<void> {
  await read(async (call) => {
    const request = channelRequest(api, call.bearer as Secret, channelId)
    await sendAndRead(network, request, anyAnswer, call, { explain: explainChannel })
  })(repeatable(connection, 'look-at-channel'))
}
