import type { Json } from '../../domain/json.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import { type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead, type Network } from '../answer.ts'
import type { CreatedGuest } from '../created-guest.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { TryHooks } from '../try-hooks.ts'
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

/** The engagement guests of the documented guest API. */
export interface Engagements {
  /**
   * A new guest. Never repeated when it may have taken effect: then it rejects with `in_doubt`. Rejects with `session_exists` when
   * upstream has a session for the address and channel.
   */
  create(request: CreateRequest, requestId: string, hooks: TryHooks, patienceMs?: Millis): Promise<CreatedGuest>
  /**
   * The next tokens, for a refresh token that is used up by it. Rejects with `in_doubt`, or with `refresh_impossible` when it is spent.
   * `about`: what is known of the person, which upstream may repeat from what it knows, and which is never shown.
   */
  refresh(refreshToken: Secret, hooks: TryHooks, patienceMs?: Millis, about?: readonly Secret[]): Promise<GrantedTokens>
  /** Sets the guest's attributes. It may be asked for again. `about`: what else is known of the person, never shown. */
  update(guestId: string, attributes: Readonly<Record<string, Json>>, about?: readonly Secret[]): Promise<void>
  /** Resolves when the channel is provisioned and enabled. Rejects with `channel_unavailable` or `access_denied` otherwise. */
  channel(channelId: string): Promise<void>
}

export interface EngagementsOptions {
  readonly connection: string
  readonly api: string
}

/** What brings the access token (`call.bearer`) to each operation. */
export interface EngagementsPolicies {
  readonly write: Policy
  readonly read: Policy
}

export function engagements(
  { connection, api }: EngagementsOptions,
  { write, read }: EngagementsPolicies,
  network: Network,
): Engagements {
  const call = (operation: string): Call => openCall({ connection, operation, lane: 'api', repeatable: true })
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
    async update(guestId, attributes, about) {
      await write(async (call) => {
        const sent = updateRequest(api, call.bearer as Secret, guestId, attributes, about)
        await sendAndRead(network, sent, anyAnswer, call, { explain: explainUpdate })
      })(call('update-guest'))
    },
    async channel(channelId) {
      await read(async (call) => {
        await sendAndRead(network, channelRequest(api, call.bearer as Secret, channelId), anyAnswer, call, {
          explain: explainChannel,
        })
      })(call('look-at-channel'))
    },
  }
}
