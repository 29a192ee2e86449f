import { decodeCanonicalBase64url } from '../domain/base64url.ts'
import { callable, checkOptions, list, objectWithMethods, millis, required, object, schema } from '../domain/options.ts'
import type { Secret } from '../domain/secret.ts'
import { DAY, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { readAtMost } from '../ports/bounded-bytes.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'
import { CHECKPOINT_HEADER } from './checkpoint-header.ts'
import { bodyText, type RawBody } from './raw-body.ts'
import { invalid, messageContents, type WebhookMessage } from './received-message.ts'
import { joinedHeader, singleHeader, type ReceivedHeaders } from './received-headers.ts'
import { receiverMemory, type ReceiverMemory } from './receiver-memory.ts'
import { anySignatureMatches, signatures } from './signature.ts'
import { secretsOf, signingSecrets } from './signing-secret.ts'
import { createWitness, type Witness } from './witness.ts'
import type { WitnessFault } from './witness-verdict.ts'

/** How a receiver checks messages. */
export interface ReceiverOptions {
  /**
   * One or more signing secrets, each `whsec_` and base64 of 24 to 64 bytes; several while one replaces
   * another.
   */
  readonly secrets: readonly (string | Secret)[]
  /**
   * Remembers the ids and generations of messages. If several processes receive, give one that they share, as
   * in their database. Default: `receiverMemory()`, in this process.
   */
  readonly memory?: ReceiverMemory
  /**
   * How far the time of a message may be from now, either way, in milliseconds. At least 1, default 5 min.
   */
  readonly toleranceMs?: Millis
  /**
   * Public keys that sign the sender's checkpoints, as `guestpass audit checkpoint --public-key` prints them: base64url
   * of 32 bytes. Default: for each connection the key of the first checkpoint.
   */
  readonly checkpointKeys?: readonly string[]
  /**
   * Called when a message shows that the sender's audit chain went back or was written anew: once for each checkpoint
   * that shows it, and once while checkpoints are missing. The message is accepted all the same. Errors are ignored.
   */
  readonly onBrokenChain?: (fault: WitnessFault, message: WebhookMessage) => unknown
  /** The clock that the time of messages is compared with. Default: the clock of the platform. */
  readonly clock?: Clock
}

/** Receives webhook messages. */
export interface WebhookReceiver {
  /**
   * Checks signature and time of a message, and compares the checkpoint in it with those of earlier messages.
   *
   * @param headers the headers of the request
   * @param rawBody the body as it was received, not parsed and written again
   *
   * Rejects with `webhook_invalid`.
   */
  verify(headers: ReceivedHeaders, rawBody: RawBody): Promise<WebhookMessage>
  /**
   * Checks a message and calls `act` once for each id, in the order of the generations of a guest.
   *
   * @param headers the headers of the request
   * @param rawBody the body as it was received, not parsed and written again
   * @param act handles the message
   * @returns `handled`: `act` was called; `repeated`: it was called before; `outdated`: a newer message about
   *   the same guest was handled before; `underway`: another call handles the message, for at most 1 min, and
   *   the sender must deliver it again, because that call may fail
   *
   * Rejects with `webhook_invalid`, and with the error of `act`. After an error of `act`, or a kill of the
   * process, the message counts as not received.
   */
  receive(
    headers: ReceivedHeaders,
    rawBody: RawBody,
    act: (message: WebhookMessage) => unknown,
  ): Promise<'handled' | 'repeated' | 'outdated' | 'underway'>
  /**
   * Makes a handler of web requests that calls `receive`. Its answers: 204 when the message was received, 400
   * when it is not valid, 413 when it is over 64 KiB. 500 when `act` failed and 503 while it is underway make
   * the sender deliver the message again.
   */
  handler(act: (message: WebhookMessage) => unknown): (request: Request) => Promise<Response>
}

const checkpointKey = schema(
  'the public key of a sender',
  (value) => typeof value === 'string' && decodeCanonicalBase64url(value)?.length === 32,
  'Give what `audit checkpoint --public-key` printed at the sender.',
)

const receiverSchema = object<ReceiverOptions>({
  secrets: required(signingSecrets),
  memory: objectWithMethods(
    'a memory',
    ['claim', 'settle', 'forget', 'advance'],
    'Give receiverMemory(), or leave it out.',
  ),
  toleranceMs: millis(1),
  checkpointKeys: list(checkpointKey, 1),
  onBrokenChain: callable('Give a function that gets the fault and the message.'),
  clock: schemas.clock,
})

/** How long ids are remembered. A sender retries for 76 hours, and an operator can redeliver later. */
const REMEMBERED: Millis = 7 * DAY
/** How long a message is claimed. After this, the process that handled it counts as dead. */
const CLAIM_TIME: Millis = MINUTE
const MOST_BYTES = 65_536

/**
 * Makes a receiver of webhooks from Guestpass, or from any other sender that follows Standard Webhooks. It
 * checks signature and time, drops repeats, and drops messages that are older than the last one about the
 * same guest.
 *
 * @param options see `ReceiverOptions`
 *
 * Throws `config_invalid` for wrong options.
 * Source: https://www.standardwebhooks.com
 *
 * @example
 * ```ts
 * import { signingSecret, webhookReceiver } from '@guestpass/core'
 * import { systemRandom } from '@guestpass/core/runtime-kit'
 *
 * const secret = signingSecret(systemRandom())
 * const receiver = webhookReceiver({ secrets: [secret] })
 * const handle = receiver.handler((message) => console.log(message.type, message.about))
 * const answer = await handle(new Request('https://example.com/hooks', { method: 'POST', body: '{}' }))
 * console.log(answer.status) // 400: the request is not signed
 * ```
 */
export function webhookReceiver(options: ReceiverOptions): WebhookReceiver {
  checkOptions('webhookReceiver', ['options', options, receiverSchema])
  const { memory = receiverMemory(), toleranceMs = 5 * MINUTE, clock = systemClock(), checkpointKeys: keys } = options
  const { onBrokenChain } = options
  const witness = createWitness({ memory, keys, toleranceMs, onBrokenChain })
  const parts: Parts = { secrets: secretsOf(options.secrets), memory, toleranceMs, clock, witness }
  const receive: WebhookReceiver['receive'] = (headers, rawBody, act) => receiveOnce(parts, headers, rawBody, act)
  return {
    async verify(headers, rawBody) {
      const { message, remember } = await witness.examine(
        verified(parts, headers, rawBody),
        joinedHeader(headers, CHECKPOINT_HEADER),
      )
      await remember()
      return message
    },
    receive,
    handler: (act) => async (request) => {
      const bytes = await readAtMost(request.body, MOST_BYTES)
      if (!bytes) return new Response(null, { status: 413 })
      try {
        const outcome = await receive(request.headers, bytes, act)
        return new Response(null, { status: outcome === 'underway' ? 503 : 204 })
      } catch (thrown) {
        const isInvalid = thrown instanceof GuestpassError && thrown.code === 'webhook_invalid'
        return isInvalid ? Response.json(thrown.toProblem(), { status: 400 }) : new Response(null, { status: 500 })
      }
    },
  }
}

interface Parts {
  readonly secrets: readonly Secret[]
  readonly memory: ReceiverMemory
  readonly toleranceMs: Millis
  readonly clock: Clock
  readonly witness: Witness
}

/** A message whose signature and time are right. Throws `webhook_invalid` for any other. */
function verified({ secrets, toleranceMs, clock }: Parts, headers: ReceivedHeaders, rawBody: RawBody): WebhookMessage {
  const body = bodyText(rawBody)
  if ('fault' in body) throw invalid(body.fault)
  const id = header(headers, 'webhook-id')
  const timestamp = header(headers, 'webhook-timestamp')
  const given = header(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp)) throw invalid('the header webhook-timestamp is not whole seconds since 1970')
  const at = Number(timestamp) * SECOND
  const { text } = body
  if (!anySignatureMatches(given, signatures(secrets, id, at, text))) throw invalid('none of its signatures is right')
  const age = clock.wall() - at
  if (Math.abs(age) > toleranceMs)
    throw invalid(`it was sent too ${age > 0 ? 'long ago' : 'far ahead'}; check the clocks`)
  return { id, at, ...messageContents(text) }
}

async function receiveOnce(
  parts: Parts,
  headers: ReceivedHeaders,
  rawBody: RawBody,
  act: (message: WebhookMessage) => unknown,
): ReturnType<WebhookReceiver['receive']> {
  const { memory, witness } = parts
  const { message, remember } = await witness.examine(
    verified(parts, headers, rawBody),
    joinedHeader(headers, CHECKPOINT_HEADER),
  )
  const claimed = await memory.claim(message.id, CLAIM_TIME)
  if (claimed === 'underway') return claimed
  if (claimed === 'done') {
    await remember()
    return 'repeated'
  }
  try {
    const { about, generation } = message
    const newer = about === undefined || generation === undefined || (await memory.advance(about, generation))
    if (newer) await act(message)
    // Before the message is settled: the sender counts a checkpoint as acknowledged once the message is taken.
    await remember()
    await memory.settle(message.id, REMEMBERED)
    return newer ? 'handled' : 'outdated'
  } catch (thrown) {
    await memory.forget(message.id)
    throw thrown
  }
}

function header(headers: ReceivedHeaders, name: string): string {
  const found = singleHeader(headers, name)
  if ('fault' in found) throw invalid(found.fault)
  return found.value
}
