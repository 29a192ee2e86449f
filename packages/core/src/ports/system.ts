import { encodeHex } from '../domain/hex.ts'
import { checkOptions, boolean, object } from '../domain/options.ts'
import type { Millis } from '../domain/time.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** The longest delay that a platform timer accepts, in milliseconds; a longer sleep takes several. */
const LONGEST_TIMER: Millis = 2 ** 31 - 1

const clockSchema = object<{ unref: boolean }>({ unref: boolean })

/**
 * The clock of the platform.
 *
 * @param options `unref`: its timers do not keep a process alive; default false
 * @throws `config_invalid` for wrong options
 *
 * @example
 * ```ts
 * import { systemClock } from '@guestpass/core/runtime-kit'
 *
 * const clock = systemClock()
 * await clock.sleep(1)
 * console.log(new Date(clock.wall()).toISOString())
 * ```
 */
export function systemClock(options: { readonly unref?: boolean } = {}): Clock {
  checkOptions('systemClock', ['options', options, clockSchema])
  const nap = (ms: Millis, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      if (options.unref) (timer as { unref?: () => void }).unref?.()
      signal?.addEventListener('abort', stop, { once: true })
    })
  return {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    async sleep(ms, signal) {
      if (Number.isNaN(ms)) throw new RangeError('sleep takes a number of milliseconds, got NaN')
      signal?.throwIfAborted()
      for (let left = ms; left > 0; left -= LONGEST_TIMER) await nap(Math.min(left, LONGEST_TIMER), signal)
    },
  }
}

/**
 * The randomness of the platform, from Web Crypto.
 *
 * @example
 * ```ts
 * import { systemRandom } from '@guestpass/core/runtime-kit'
 *
 * const random = systemRandom()
 * console.log(random.uuid(), random.bytes(32).length)
 * ```
 */
export function systemRandom(): Random {
  return {
    uuid: () => crypto.randomUUID(),
    float: () => {
      const [word] = crypto.getRandomValues(new Uint32Array(1))
      return (word ?? 0) / 2 ** 32
    },
    bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
  }
}

/** SHA-256 of the text in UTF-8, as 64 hexadecimal digits. Browsers offer it on secure origins only. */
export async function sha256Hex(text: string): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/**
 * HMAC-SHA-256 (RFC 2104) under a key: of a text in UTF-8, as 64 hexadecimal digits. Browsers offer it on
 * secure origins only.
 */
export async function hmacSha256Hex(key: Uint8Array): Promise<(text: string) => Promise<string>> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', Uint8Array.from(key), algorithm, false, ['sign'])
  return async (text) =>
    encodeHex(new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text))))
}

/** Sends a request as the `fetch` of the platform does. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The `fetch` of the platform, whichever that is when it is called. */
export const systemFetch: Fetch = (input, init) => globalThis.fetch(input, init)

/**
 * Takes a lock that all windows of an origin share. Resolves to a function that releases it; undefined if
 * another window has it. It ends with the window. If the platform has no such locks, it is always granted.
 */
export function systemLock(name: string): Promise<(() => void) | undefined> {
  const { navigator }: { readonly navigator?: { readonly locks?: LockManager } } = globalThis
  return new Promise((resolve) => {
    if (!navigator?.locks) return resolve(() => {})
    const held = async (lock: Lock | null): Promise<void> => {
      if (lock) await new Promise<void>((release) => resolve(release))
      else resolve(undefined)
    }
    navigator.locks.request(name, { ifAvailable: true }, held).catch(() => resolve(() => {}))
  })
}

/**
 * Calls the listener when another frame changes an entry of a web storage. Returns a function that ends this.
 * No effect outside of pages.
 */
export function onStorageChange(listener: (key: string | null, value: string | null) => void): () => void {
  if (!('document' in globalThis)) return () => {}
  const onEvent = ({ key, newValue }: StorageEvent): void => listener(key, newValue)
  globalThis.addEventListener('storage', onEvent)
  return () => globalThis.removeEventListener('storage', onEvent)
}
