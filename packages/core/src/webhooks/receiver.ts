import { checkOptions, objectWithMethods, millis, required, object } from '../domain/options.ts'
import type { Secret } from '../domain/secret.ts'
import { DAY, type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { readAtMost } from '../ports/bounded-bytes.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'
import { strictObjectText } from '../domain/strict-json.ts'
import { bodyText, type RawBody } from './raw-body.ts'
import { singleHeader, type ReceivedHeaders } from './received-headers.ts'
import { receiverMemory, type ReceiverMemory } from './receiver-memory.ts'
import { anySignatureMatches, signatures } from './signature.ts'
import { secretsOf, signingSecrets } from './signing-secret.ts'

/** A message that was signed with one of the secrets, just now. */
export interface Received {
  /** The same for every delivery of one event. */
  readonly id: string
  /** When it was sent. */
  readonly at: Instant
  /** As `REFRESH_COMPLETED`, or `GUEST_TOKEN_REFRESHED` of the contract for identity providers; '' where the contract has no word for it. */
  readonly type: string
  /** Whom it is about: the guest's id where the message has it, else the subject. */
  readonly about?: string
  /** Counts the guest's token sets; what is older than the last that came is out of date. */
  readonly generation?: number
  /** The whole body. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface ReceiverOptions {
  /** `whsec_` and base64 of 24 to 64 bytes each; several while one replaces another. */
  readonly secrets: readonly (string | Secret)[]
  /** Default: in this process, the last 10 000 of each kind. */
  readonly memory?: ReceiverMemory
  /** How far the time of a message may be from now, either way; more than 0. Default 5 min. */
  readonly toleranceMs?: Millis
  readonly clock?: Clock
}

export interface WebhookReceiver {
  /** Checks signature and time. `rawBody`: the bytes as they came, not parsed and written again. Rejects with `webhook_invalid`. */
  verify(headers: ReceivedHeaders, rawBody: RawBody): Promise<Received>
  /**
   * Checks a message and hands it on once, unless something newer of the same guest was handed on before. What `act` rejects
   * with passes through, and the message counts as not received; so it does where the process is killed meanwhile. `underway`: the
   * same message is being acted on, for up to a minute; it must come again, because that may fail. Rejects with `webhook_invalid`.
   */
  receive(
    headers: ReceivedHeaders,
    rawBody: RawBody,
    act: (message: Received) => Promise<void> | void,
  ): Promise<'handled' | 'repeated' | 'outdated' | 'underway'>
  /** The same as a web server's route: 204 when it was received, 400 when it is not valid, 413 above 64 KiB; 500 when `act` failed and 503 while it is underway, so that it comes again. */
  handler(act: (message: Received) => Promise<void> | void): (request: Request) => Promise<Response>
}

const receiverSchema = object<ReceiverOptions>({
  secrets: required(signingSecrets),
  memory: objectWithMethods(
    'a memory',
    ['claim', 'settle', 'forget', 'advance'],
    'Give receiverMemory(), or leave it out.',
  ),
  toleranceMs: millis(1),
  clock: schemas.clock,
})

/** A sender goes on for 76 hours at most, and may be asked to send again by hand. */
const REMEMBERED: Millis = 7 * DAY
/** After this whoever acts on a message is taken to be gone. */
const CLAIM_TIME: Millis = MINUTE
const MOST_BYTES = 65_536

/** Receives webhooks of Guestpass, or of any sender that follows Standard Webhooks: checks, drops repeats, keeps the order. Throws `config_invalid` for wrong options. */
export function webhookReceiver(options: ReceiverOptions): WebhookReceiver {
  checkOptions('webhookReceiver', ['options', options, receiverSchema])
  const { memory = receiverMemory(), toleranceMs = 5 * MINUTE, clock = systemClock() } = options
  const secrets = secretsOf(options.secrets)

  async function verify(headers: ReceivedHeaders, rawBody: RawBody): Promise<Received> {
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
      throw invalid(`it was sent too ${age > 0 ? 'long ago' : 'far ahead'}; mind the clock`)
    return { id, at, ...contents(text) }
  }

  const receive: WebhookReceiver['receive'] = async (headers, rawBody, act) => {
    const message = await verify(headers, rawBody)
    const claimed = await memory.claim(message.id, CLAIM_TIME)
    if (claimed !== 'taken') return claimed === 'done' ? 'repeated' : 'underway'
    try {
      const { about, generation } = message
      const newer = about === undefined || generation === undefined || (await memory.advance(about, generation))
      if (newer) await act(message)
      await memory.settle(message.id, REMEMBERED)
      return newer ? 'handled' : 'outdated'
    } catch (thrown) {
      await memory.forget(message.id)
      throw thrown
    }
  }

  return {
    verify,
    receive,
    handler: (act) => async (request) => {
      const bytes = await readAtMost(request.body, MOST_BYTES)
      if (!bytes) return new Response(null, { status: 413 })
      try {
        const came = await receive(request.headers, bytes, act)
        return new Response(null, { status: came === 'underway' ? 503 : 204 })
      } catch (thrown) {
        const refused = thrown instanceof GuestpassError && thrown.code === 'webhook_invalid'
        return refused ? Response.json(thrown.toProblem(), { status: 400 }) : new Response(null, { status: 500 })
      }
    },
  }
}

function header(headers: ReceivedHeaders, name: string): string {
  const found = singleHeader(headers, name)
  if ('fault' in found) throw invalid(found.fault)
  return found.value
}

function contents(text: string): Pick<Received, 'type' | 'about' | 'generation' | 'body'> {
  const body = strictObjectText(text)
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

const invalid = (why: string): GuestpassError =>
  new GuestpassError('webhook_invalid', `The webhook message was refused: ${why}. Nothing was done with it.`)
