import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'

/** The token of a form, and the headers of its page. */
export interface FormToken {
  /** The value of the hidden field of the form. */
  readonly text: string
  /** Headers of the page, with the cookie of the browser. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Protects forms against cross-site request forgery. Each token is random, can be used once, and is valid
 * only with the cookie of the browser that loaded the page.
 */
export interface FormTokens<T> {
  issue(subject: T, headers: IncomingHttpHeaders): FormToken
  /**
   * Returns the subject of a token, once. Undefined if the token is unknown, used, expired or of another
   * browser.
   */
  redeem(text: string | undefined, headers: IncomingHttpHeaders): T | undefined
}

/** Ten minutes. */
const LIFETIME_MS = 600_000
const COOKIE = 'sandbox_browser'

export function createFormTokens<T>({ clock, random }: { clock: Clock; random: Randomness }): FormTokens<T> {
  const open = new Map<string, { readonly subject: T; readonly browser: string; readonly expiresAt: number }>()
  return {
    issue: (subject, headers) => {
      const browser = browserOf(headers) ?? random.text(24)
      const text = random.text(24)
      forgetExpired(open, clock.now())
      open.set(text, { subject, browser, expiresAt: clock.now() + LIFETIME_MS })
      return { text, headers: { 'set-cookie': `${COOKIE}=${browser}; Path=/; HttpOnly; SameSite=Lax` } }
    },
    redeem: (text = '', headers) => {
      const found = open.get(text)
      if (found === undefined || found.browser !== browserOf(headers)) return undefined
      open.delete(text)
      return clock.now() < found.expiresAt ? found.subject : undefined
    },
  }
}

function browserOf({ cookie }: IncomingHttpHeaders): string | undefined {
  const pairs = cookie?.split(';').map((pair) => pair.trim().split('=')) ?? []
  return pairs.find(([name, value]) => name === COOKIE && /^[\w-]{32}$/.test(value ?? ''))?.[1]
}
