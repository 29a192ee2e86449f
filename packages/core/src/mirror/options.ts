import { callable, anyOf, objectWithMethods, schema, millis, required } from '../domain/options.ts'
import { DAY, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as ports from '../ports/schemas.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'

/** Options of a mirrored document. */
export interface MirrorOptions {
  /**
   * Its http or https URL. A function is called before each request; if it rejects, the request counts as
   * failed.
   */
  readonly url: string | (() => Promise<string>)
  readonly http: Http
  readonly clock: Clock
  readonly random: Random
  /**
   * Stores the document between processes, so that a start needs no fetch. If it fails, the document is
   * fetched.
   */
  readonly facts?:
    | {
        /** The document that was saved last; undefined if there is none. */
        load(): Promise<unknown>
        /** Saves a document, as JSON. */
        save(value: unknown): Promise<void>
      }
    | undefined
  /**
   * The longest time between two fetches, and so until a removed key is refused. Milliseconds, at least 1 s;
   * default 10 min.
   */
  readonly intervalMs?: Millis | undefined
  /**
   * The shortest time between two fetches for tokens that no key fits. Milliseconds, at least 1 s; default 30
   * s.
   */
  readonly cooldownMs?: Millis | undefined
  /**
   * How long a document is used that cannot be fetched again. Milliseconds, at least `intervalMs`; default 24
   * h.
   */
  readonly staleMs?: Millis | undefined
  /** The longest time of one request. Milliseconds, at least 1; default 5 s. */
  readonly timeoutMs?: Millis | undefined
}

/** The times of a mirror, with defaults. */
export interface MirrorTimes {
  readonly intervalMs: Millis
  readonly cooldownMs: Millis
  readonly staleMs: Millis
  readonly timeoutMs: Millis
}

const INTERVAL: Millis = 10 * MINUTE
const STALE: Millis = DAY

const URL_REMEDY = 'Give the whole URL, as https://login.example.com/.well-known/jwks.json.'
const isHttp = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

/** Schemas of the options of a mirror. */
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
  intervalMs = INTERVAL,
  cooldownMs = 30 * SECOND,
  staleMs = STALE,
  timeoutMs = 5 * SECOND,
}: MirrorOptions): MirrorTimes {
  return { intervalMs, cooldownMs, staleMs, timeoutMs }
}

/** The faults between the times: `staleMs` must not be less than `intervalMs`. */
export function timesFault(
  { intervalMs = INTERVAL, staleMs = STALE }: MirrorOptions,
  members: string,
): readonly Field[] {
  if (staleMs >= intervalMs) return []
  return [
    { field: `${members}staleMs`, message: 'is less than intervalMs', remedy: 'Give at least as many milliseconds.' },
  ]
}

/**
 * The host of a document, for messages: a URL can hold secrets. Throws `config_invalid` for a URL without
 * one.
 */
export function hostOf(url: string, document: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && ['http:', 'https:'].includes(parsed.protocol)) return parsed.host
  const message = `The URL of the ${document} is not an http or https URL`
  throw new GuestpassError('config_invalid', `${message}. ${URL_REMEDY}`, {
    fields: [{ field: 'url', message, remedy: URL_REMEDY }],
  })
}
