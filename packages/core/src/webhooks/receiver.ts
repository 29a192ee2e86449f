import { Secret } from '../domain/secret.ts'
import { DAY, type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import { boundedBytes } from '../ports/bounded-bytes.ts'
import { type Clock, countdown } from '../ports/clock.ts'
import { systemClock } from '../ports/system.ts'
import { oneMatches, signatures } from './signature.ts'

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

/** Where a receiver remembers what came. Several processes that receive for one endpoint share one. */
export interface ReceiverMemory {
  /** Takes the id for so long, to deal with its message; says so when somebody else has it, or when it was dealt with. Atomic. */
  claim(id: string, ms: Millis): Promise<'taken' | 'underway' | 'done'>
  /** Remembers for so long that the message was dealt with. */
  settle(id: string, ms: Millis): Promise<void>
  /** Forgets the id: the message was not dealt with and comes again. */
  forget(id: string): Promise<void>
  /** Notes a generation of somebody; false when a later one was noted before. Atomic. */
  advance(about: string, generation: number): Promise<boolean>
}

export interface ReceiverOptions {
  /** `whsec_…`; several while one replaces another. */
  readonly secrets: readonly (string | Secret)[]
  /** Default: in this process, the last 10 000 of each kind. */
  readonly memory?: ReceiverMemory
  /** How far the time of a message may be from now, either way; more than 0. Default 5 min. */
  readonly toleranceMs?: Millis
  readonly clock?: Clock
}

/** Headers of a request: a `Headers`, or an object with names in any case. */
export type ReceivedHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

export interface WebhookReceiver {
  /** Checks signature and time. `rawBody`: the bytes as they came, not parsed and written again. Rejects with `webhook_invalid`. */
  verify(headers: ReceivedHeaders, rawBody: string | Uint8Array): Promise<Received>
  /**
   * Checks a message and hands it on once, unless something newer of the same guest was handed on before. What `act` rejects
   * with passes through, and the message counts as not received; so it does where the process is killed meanwhile. `underway`: the
   * same message is being acted on, for up to a minute; it must come again, because that may fail. Rejects with `webhook_invalid`.
   */
  receive(
    headers: ReceivedHeaders,
    rawBody: string | Uint8Array,
    act: (message: Received) => Promise<void> | void,
  ): Promise<'handled' | 'repeated' | 'outdated' | 'underway'>
  /** The same as a web server's route: 204 when it was received, 400 when it is not valid, 413 above 64 KiB; 500 when `act` failed and 503 while it is underway, so that it comes again. */
  handler(act: (message: Received) => Promise<void> | void): (request: Request) => Promise<Response>
}

/** A sender goes on for 76 hours at most, and may be asked to send again by hand. */
const REMEMBER: Millis = 7 * DAY
/** After this whoever acts on a message is taken to be gone. */
const ACTING: Millis = MINUTE
const MOST_BYTES = 65_536
const MOST_KEPT = 10_000

/** Receives webhooks of Guestpass, or of any sender that follows Standard Webhooks: checks, drops repeats, keeps the order. */
export function webhookReceiver(options: ReceiverOptions): WebhookReceiver {
  const { memory = receiverMemory(), toleranceMs = 5 * MINUTE, clock = systemClock() } = options
  const secrets = options.secrets.map((secret) => (secret instanceof Secret ? secret : new Secret(secret)))
  if (secrets.length === 0 || !secrets.every(isSigningSecret))
    throw badOption('secrets', 'whsec_ and base64, one at least')
  if (!(toleranceMs > 0 && toleranceMs < Number.POSITIVE_INFINITY))
    throw badOption('toleranceMs', 'milliseconds above 0')

  async function verify(headers: ReceivedHeaders, rawBody: string | Uint8Array): Promise<Received> {
    const id = header(headers, 'webhook-id')
    const timestamp = header(headers, 'webhook-timestamp')
    const given = header(headers, 'webhook-signature')
    if (!id || !given || !/^\d{1,12}$/.test(timestamp)) throw invalid('its webhook- headers are missing or malformed')
    const at = Number(timestamp) * SECOND
    const text = typeof rawBody === 'string' ? rawBody : utf8(rawBody)
    if (!oneMatches(given, signatures(secrets, id, at, text))) throw invalid('none of its signatures is right')
    const age = clock.wall() - at
    if (Math.abs(age) > toleranceMs)
      throw invalid(`it was sent too ${age > 0 ? 'long ago' : 'far ahead'}; mind the clock`)
    return { id, at, ...contents(text) }
  }

  const receive: WebhookReceiver['receive'] = async (headers, rawBody, act) => {
    const message = await verify(headers, rawBody)
    const claimed = await memory.claim(message.id, ACTING)
    if (claimed !== 'taken') return claimed === 'done' ? 'repeated' : 'underway'
    try {
      const { about, generation } = message
      const newer = about === undefined || generation === undefined || (await memory.advance(about, generation))
      if (newer) await act(message)
      await memory.settle(message.id, REMEMBER)
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
      const bytes = await boundedBytes(request.body, MOST_BYTES)
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

const isSigningSecret = (secret: Secret): boolean => /^whsec_[A-Za-z\d+/]{32,}={0,2}$/.test(secret.reveal())

function header(headers: ReceivedHeaders, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? ''
  const found = Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]
  return typeof found === 'string' ? found : ''
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid('its body is not UTF-8')
  }
}

function contents(text: string): Pick<Received, 'type' | 'about' | 'generation' | 'body'> {
  const body = object(parsed(text))
  if (!body) throw invalid('its body is not a JSON object')
  const data = object(body['data'])
  const about = [body['guestSessionId'], data?.['subject'], body['guestId']].find((one) => typeof one === 'string')
  const generation = body['generation'] ?? data?.['generation']
  const type = body['type'] ?? body['event']
  return {
    body,
    type: typeof type === 'string' ? type : '',
    ...(typeof about === 'string' ? { about } : {}),
    ...(typeof generation === 'number' ? { generation } : {}),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const object = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined

const invalid = (why: string): GuestpassError =>
  new GuestpassError('webhook_invalid', `The webhook message was refused: ${why}. Nothing was done with it.`)

const badOption = (field: string, remedy: string): GuestpassError =>
  new GuestpassError('config_invalid', `webhookReceiver: ${field} must be ${remedy}.`, {
    fields: [{ field, message: 'is not valid', remedy: `give ${remedy}` }],
  })

/** A memory in this process: the last `most` ids and generations (default 10 000 of each). */
export function receiverMemory({
  most = MOST_KEPT,
  clock = systemClock(),
}: {
  most?: number
  clock?: Clock
} = {}): ReceiverMemory {
  const known = new Map<string, { readonly left: () => Millis; readonly state: 'underway' | 'done' }>()
  const generations = new Map<string, number>()
  /** Puts it at the end, and drops from the front: the one that was not heard of for longest. */
  const keep = <T>(map: Map<string, T>, name: string, value: T): void => {
    map.delete(name)
    map.set(name, value)
    for (const oldest of map.keys()) {
      if (map.size <= most) break
      map.delete(oldest)
    }
  }
  return {
    async claim(id, ms) {
      const found = known.get(id)
      if (found && found.left() > 0) return found.state
      keep(known, id, { left: countdown(clock, ms), state: 'underway' })
      return 'taken'
    },
    async settle(id, ms) {
      keep(known, id, { left: countdown(clock, ms), state: 'done' })
    },
    async forget(id) {
      known.delete(id)
    },
    async advance(about, generation) {
      const last = generations.get(about) ?? Number.NEGATIVE_INFINITY
      keep(generations, about, Math.max(last, generation))
      return generation >= last
    },
  }
}
