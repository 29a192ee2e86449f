import { GuestpassError } from '../domain/errors.ts'
import { parseStrictObject } from '../domain/strict-json.ts'
import type { Instant } from '../domain/time.ts'
import type { WitnessVerdict } from './witness-verdict.ts'

/** A received webhook message whose signature and time are valid. */
export interface WebhookMessage {
  /** The header `webhook-id`: the same for every delivery of one event. */
  readonly id: string
  /** When it was sent, in epoch milliseconds. */
  readonly at: Instant
  /**
   * The type of the event, as `REFRESH_COMPLETED`, or `GUEST_TOKEN_REFRESHED` of the contract `idp`. Empty if
   * the body has no type.
   */
  readonly type: string
  /**
   * The guest that the message is about: the guest id if the body has one, else the subject of the audit
   * record.
   */
  readonly about?: string
  /** The generation of the guest's token. A message with an older one than the last is out of date. */
  readonly generation?: number
  /** The whole body. */
  readonly body: Readonly<Record<string, unknown>>
  /**
   * What the message shows of the audit chain of the sender. Absent while no message had a checkpoint. A broken chain
   * is no reason to refuse the message.
   */
  readonly witness?: WitnessVerdict
}

/** Reads the body of a message. Throws `webhook_invalid` if it is no JSON object. */
export function messageContents(text: string): Pick<WebhookMessage, 'type' | 'about' | 'generation' | 'body'> {
  const body = parseStrictObject(text)
  if (!body) throw invalid('its body is not a JSON object, holds a member twice or is nested more than 64 levels deep')
  const data = objectIn(body['data'])
  const about = [body['guestSessionId'], data?.['subject'], body['guestId']].find((one) => typeof one === 'string')
  const generation = body['generation'] ?? data?.['generation']
  const type = body['type'] ?? body['event']
  return {
    body,
    type: typeof type === 'string' ? type : '',
    ...(typeof about === 'string' ? { about } : {}),
    ...(isCount(generation) ? { generation } : {}),
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const objectIn = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined

/** The error for a message that is refused. `why`: a clause. */
export const invalid = (why: string): GuestpassError =>
  new GuestpassError('webhook_invalid', `The webhook message was refused: ${why}. Nothing was done with it.`)
