import { DAY, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import { within } from '../policy/bounds.ts'
import type { Clock } from '../ports/clock.ts'
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

/** Throws `config_invalid` naming the one that makes no sense. */
export function mirrorTimes(options: MirrorOptions): MirrorTimes {
  const intervalMs = within('intervalMs', options.intervalMs ?? 10 * MINUTE, SECOND)
  return {
    intervalMs,
    cooldownMs: within('cooldownMs', options.cooldownMs ?? 30 * SECOND, SECOND),
    staleMs: within('staleMs', options.staleMs ?? DAY, intervalMs),
    timeoutMs: within('timeoutMs', options.timeoutMs ?? 5 * SECOND, 1),
  }
}

/** The host of a document, for messages: a URL can hold more than people should see. Throws `config_invalid` where it has none. */
export function hostOf(url: string, document: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && ['http:', 'https:'].includes(parsed.protocol)) return parsed.host
  const message = `The URL of the ${document} is not an http or https URL`
  const remedy = 'Give the whole URL, as https://login.example.com/.well-known/jwks.json'
  throw new GuestpassError('config_invalid', `${message}. ${remedy}.`, { fields: [{ field: 'url', message, remedy }] })
}
