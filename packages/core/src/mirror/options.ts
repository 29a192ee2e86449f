import { callable, anyOf, objectWithMethods, schema, millis, required } from '../domain/options.ts'
import { DAY, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as ports from '../ports/schemas.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'

export interface MirrorOptions {
  /** Where the document is: http or https. A function is asked before each request; where it rejects, the request counts as failed. */
  readonly url: string | (() => Promise<string>)
  readonly http: Http
  readonly clock: Clock
  readonly random: Random
  /** Remembers the document between processes, so that a start needs no fetch. When it fails, that costs a fetch, nothing else. */
  readonly facts?: { load(): Promise<unknown>; save(value: unknown): Promise<void> } | undefined
  /** The longest time between two looks at the URL, and so until a removed key is refused. Default 10 min, at least 1 s. */
  readonly intervalMs?: Millis | undefined
  /** The shortest time between two looks that callers cause, as by tokens that no key fits. Default 30 s, at least 1 s. */
  readonly cooldownMs?: Millis | undefined
  /** How long the document is used while the URL does not confirm it. Default 24 h, at least `intervalMs`. */
  readonly staleMs?: Millis | undefined
  /** How long one exchange may take. Default 5 s, at least 1 ms. */
  readonly timeoutMs?: Millis | undefined
}

/** The lengths of time of a mirror, defaults filled in. */
export interface MirrorTimes {
  readonly intervalMs: Millis
  readonly cooldownMs: Millis
  readonly staleMs: Millis
  readonly timeoutMs: Millis
}

const URL_REMEDY = 'Give the whole URL, as https://login.example.com/.well-known/jwks.json.'
const isHttp = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** What the options of a mirror are. */
export const mirrorSchemas = {
  url: required(anyOf(schema('an http or https URL', isHttp, URL_REMEDY), callable(URL_REMEDY))),
  http: required(ports.http),
  clock: required(ports.clock),
  random: required(ports.random),
  facts: objectWithMethods('where the document is kept', ['load', 'save'], 'Give { load, save }, or leave it out.'),
  intervalMs: millis(SECOND),
  cooldownMs: millis(SECOND),
  staleMs: millis(SECOND),
  timeoutMs: millis(1),
}

export function mirrorTimes({
  intervalMs = 10 * MINUTE,
  cooldownMs = 30 * SECOND,
  staleMs = DAY,
  timeoutMs = 5 * SECOND,
}: MirrorOptions): MirrorTimes {
  return { intervalMs, cooldownMs, staleMs, timeoutMs }
}

/** What is wrong between the lengths of time. */
export function timesFault(
  { intervalMs = 10 * MINUTE, staleMs = DAY }: MirrorOptions,
  members: string,
): readonly Field[] {
  if (staleMs >= intervalMs) return []
  return [
    { field: `${members}staleMs`, message: 'is less than intervalMs', remedy: 'Give at least as many milliseconds.' },
  ]
}

/** The host of a document, for messages: a URL can hold more than people should see. Throws `config_invalid` where it has none. */
export function hostOf(url: string, document: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && ['http:', 'https:'].includes(parsed.protocol)) return parsed.host
  const message = `The URL of the ${document} is not an http or https URL`
  throw new GuestpassError('config_invalid', `${message}. ${URL_REMEDY}`, {
    fields: [{ field: 'url', message, remedy: URL_REMEDY }],
  })
}
