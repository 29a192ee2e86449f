import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'

/** Something that waits for a person's decision, and what the page must carry so that nobody else can decide. */
export interface FormToken {
  /** Goes into the form. */
  readonly text: string
  /** Go with the page. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Ties a form to the page that showed it: the form brings an unguessable value back, single use, and only the browser that
 * got the page has the cookie that belongs to it.
 */
export interface FormTokens<T> {
  issue(what: T, headers: IncomingHttpHeaders): FormToken
  /** What the formToken stands for; undefined when it is unknown, used, too old or from another browser. */
  redeem(text: string | undefined, headers: IncomingHttpHeaders): T | undefined
}

const LIFETIME_MS = 600_000
const COOKIE = 'sandbox_browser'

export function createFormTokens<T>({ clock, random }: { clock: Clock; random: Randomness }): FormTokens<T> {
  const open = new Map<string, { readonly what: T; readonly browser: string; readonly expiresAt: number }>()
  return {
    issue: (what, headers) => {
      const browser = browserOf(headers) ?? random.text(24)
      const text = random.text(24)
      forgetExpired(open, clock.now())
      open.set(text, { what, browser, expiresAt: clock.now() + LIFETIME_MS })
      return { text, headers: { 'set-cookie': `${COOKIE}=${browser}; Path=/; HttpOnly; SameSite=Lax` } }
    },
    redeem: (text = '', headers) => {
      const found = open.get(text)
      if (found === undefined || found.browser !== browserOf(headers)) return undefined
      open.delete(text)
      return clock.now() < found.expiresAt ? found.what : undefined
    },
  }
}

function browserOf({ cookie }: IncomingHttpHeaders): string | undefined {
  const pairs = cookie?.split(';').map((pair) => pair.trim().split('=')) ?? []
  return pairs.find(([name, value]) => name === COOKIE && /^[\w-]{32}$/.test(value ?? ''))?.[1]
}
