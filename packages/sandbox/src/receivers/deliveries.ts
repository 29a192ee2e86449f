import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { iso } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { signedBy, type WebhookHeaders, webhookHeaders } from './signature.ts'

/** A webhook that came in, as it came. It may hold what journals do not show. */
export interface Delivery {
  /** Whose webhook: the last part of the path, as `idp`. */
  readonly name: string
  /** When it came in, on the sandbox's clock: ISO 8601. */
  readonly at: string
  readonly headers: WebhookHeaders
  readonly body: string
  /** Whether one of the secrets signed it. The timestamp is not judged, because clocks here are moved on purpose. */
  readonly verified: boolean
  /** 1 for the first of its webhook-id under this name, 2 for the next, and so on. */
  readonly copy: number
}

export interface Deliveries {
  /** All, or those of one name, oldest first, as far as they are kept. */
  readonly all: (name?: string) => Delivery[]
  keep(name: string, headers: IncomingHttpHeaders, body: string): void
  /** Forgets all, or those of one name. */
  readonly clear: (name?: string) => void
  readonly secrets: () => readonly string[]
  /** Other secrets from now on. Throws a ZodError when the input is no list of them. */
  readonly setSecrets: (input: unknown) => void
}

const secretField = z.string().refine(isSecret, 'whsec_ followed by base64 of 24 to 64 bytes')

/** Secrets that come from outside. */
export const secretsBody = z.array(secretField).min(1)

/** How many are kept. */
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

/** A new secret. */
export function webhookSecret(random: Randomness): string {
  return `whsec_${Buffer.from(random.text(32), 'base64url').toString('base64')}`
}

function isSecret(text: string): boolean {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (encoded === undefined) return false
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded && bytes.length >= 24 && bytes.length <= 64
}
