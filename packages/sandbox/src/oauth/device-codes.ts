import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import type { Client } from './clients.ts'
import { forgetExpired } from './expiry.ts'
import type { User } from './users.ts'

/** The sign-in of a device that waits for its user (RFC 8628, section 3.2). */
export interface DeviceCode {
  readonly client: Client
  readonly scopes: readonly string[]
  /** See `TokenFamily.audience`. */
  readonly audience?: string | undefined
  /** The code that the user types. */
  readonly userCode: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** The polling interval in seconds. */
  readonly interval: number
  /** When the device polled last, in milliseconds since the epoch. */
  readonly polledAt?: number
  /** The user who allowed it and when, or that it was denied. */
  readonly decision?: { readonly user: User; readonly at: number } | 'denied'
  readonly spent?: true
}

export interface DeviceCodes {
  issue(of: Pick<DeviceCode, 'client' | 'scopes' | 'audience'>): { readonly text: string; readonly code: DeviceCode }
  find(text: string): DeviceCode | undefined
  change(text: string, change: Partial<DeviceCode>): void
  /** The device that shows this code and waits for a decision. Blanks, dashes and case do not matter. */
  waiting(userCode: string): DeviceCode | undefined
  /** Decides for the device that shows this code. Without a user it is denied. */
  decide(userCode: string, user?: User): void
}

/** Lifetime of a device code in seconds. */
export const DEVICE_CODE_SECONDS = 600

/** How long an expired code is remembered, in milliseconds, so that its device gets `expired_token`. */
const REMEMBERED_MS = 3_600_000

/** `interval`: the first polling interval of a device, in seconds. */
export function createDeviceCodes(parts: { clock: Clock; random: Randomness; interval: number }): DeviceCodes {
  const { clock, random, interval } = parts
  const issued = new Map<string, DeviceCode>()
  const change = (text: string, changes: Partial<DeviceCode>): void => {
    const code = issued.get(text)
    if (code !== undefined) issued.set(text, { ...code, ...changes })
  }
  const entry = (userCode: string): [string, DeviceCode] | undefined =>
    [...issued].find(
      ([, code]) =>
        normalized(code.userCode) === normalized(userCode) &&
        code.decision === undefined &&
        clock.now() < code.expiresAt,
    )
  return {
    issue: (of) => {
      forgetExpired(issued, clock.now(), REMEMBERED_MS)
      const text = random.secret(32)
      const expiresAt = clock.now() + DEVICE_CODE_SECONDS * 1000
      const code = { ...of, userCode: createUserCode(random), expiresAt, interval }
      issued.set(text, code)
      return { text, code }
    },
    find: (text) => issued.get(text),
    change,
    waiting: (userCode) => entry(userCode)?.[1],
    decide: (userCode, user) => {
      const [text] = entry(userCode) ?? []
      if (text !== undefined) change(text, { decision: user === undefined ? 'denied' : { user, at: clock.now() } })
    },
  }
}

const normalized = (userCode: string): string => userCode.toUpperCase().replaceAll(/[^A-Z]/g, '')

/**
 * RFC 8628, section 6.1: characters that are easy to type. There are no vowels, so that codes are no words.
 */
const CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'

function createUserCode(random: Randomness): string {
  const characters = [...Buffer.from(random.text(8), 'base64url')].map((byte) =>
    CODE_ALPHABET.charAt(byte % CODE_ALPHABET.length),
  )
  return `${characters.slice(0, 4).join('')}-${characters.slice(4).join('')}`
}
