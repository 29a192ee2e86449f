import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { iso } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { signedBy, type WebhookHeaders, webhookHeaders } from './signature.ts'

/** A webhook that the sandbox received, unchanged. It may contain secrets, which the journal masks. */
export interface Delivery {
  /** The name of the receiver: the last segment of the path, as `idp`. */
  readonly name: string
  /** When it was received, by the sandbox's clock (ISO 8601). */
  readonly at: string
  readonly headers: WebhookHeaders
  readonly body: string
  /**
   * Whether one of the secrets signed it. The timestamp is not checked, because tests move the sandbox's
   * clock.
   */
  readonly verified: boolean
  /** Counts the deliveries of its `webhook-id` to this name, from 1. */
  readonly copy: number
}

export interface Deliveries {
  /** All kept deliveries, or those of one name, oldest first. */
  readonly all: (name?: string) => Delivery[]
  keep(name: string, headers: IncomingHttpHeaders, body: string): void
  /** Removes all, or those of one name. */
  readonly clear: (name?: string) => void
  readonly secrets: () => readonly string[]
  /** Replaces the secrets. Throws a ZodError if the input is not a list of at least one secret. */
  readonly setSecrets: (input: unknown) => void
}

const secretField = z.string().refine(isSecret, 'whsec_ followed by base64 of 24 to 64 bytes')

/** A list of secrets from options or a control route. */
export const secretsBody = z.array(secretField).min(1)

/** How many deliveries are kept; the oldest are dropped. */
const CAPACITY = 10_000

export function createDeliveries(initial: readonly string[], now: () => number): Deliveries {
  let kept: Delivery[] = []
  let secrets = initial
  return {
    all: (name) => kept.filter((one) => name === undefined || one.name === name),
    keep: (name, received, body) => {
      const headers = webhookHeaders(received)
      const id = headers['webhook-id']
      const same = (one: Delivery): boolean => one.name === name && one.headers['webhook-id'] === id
      const copy = id === undefined ? 1 : kept.filter(same).length + 1
      const verified = secrets.some((secret) => signedBy(secret, headers, body))
      kept.push({ name, at: iso(now()), headers, body, verified, copy })
      if (kept.length > CAPACITY) kept.shift()
    },
    clear: (name) => {
      kept = kept.filter((one) => name !== undefined && one.name !== name)
    },
    secrets: () => secrets,
    setSecrets: (input) => {
      secrets = secretsBody.parse(input)
    },
  }
}

/** Makes a new secret of 32 random bytes. */
export function webhookSecret(random: Randomness): string {
  return `whsec_${Buffer.from(random.text(32), 'base64url').toString('base64')}`
}

function isSecret(text: string): boolean {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (encoded === undefined) return false
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded && bytes.length >= 24 && bytes.length <= 64
}
