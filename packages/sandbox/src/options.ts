import type { JWK } from 'jose'
import { z } from 'zod'
import type { Fault } from './faults.ts'
import { type GuestOptions, guestShape } from './guest-options.ts'
import { type Algorithm, algorithms } from './keys.ts'
import { type Limit, limitBody } from './limits.ts'
import { type AccessTokenFormat, accessTokenFormats } from './oauth/access-tokens.ts'
import { defaultScopes } from './oauth/scopes.ts'
import { redirectUris, type SignInOptions, signInShape } from './oauth/sign-in-options.ts'

/** A further OAuth client. */
export interface ClientOptions {
  readonly id: string
  /** Without a secret and keys it is a public client. */
  readonly secret?: string | undefined
  /** Its public keys, each a JWK: it signs an assertion in place of a secret (`private_key_jwt`, RFC 7523). */
  readonly keys?: readonly JWK[] | undefined
  /** The name of its organization; default the sandbox's own. Guests of one organization are out of reach for another. */
  readonly organization?: string | undefined
  /** What it may ask for; default every scope of the sandbox. */
  readonly scopes?: readonly string[] | undefined
  /** Where its users may be sent after they signed in, loopback ones on any port; default any address of this machine. */
  readonly redirectUris?: readonly string[] | undefined
}

/** How a sandbox is set up. Everything has a default. */
export interface SandboxOptions extends SignInOptions, GuestOptions {
  /** TCP port, 0 to 65535; default 0: any free one. */
  readonly port?: number | undefined
  /** Address to listen on; default `127.0.0.1`. Beyond loopback the control routes ask for the control token. */
  readonly host?: string | undefined
  /** Requests for each access token; default 300 a minute, counted in windows of a minute. */
  readonly rateLimit?: Limit | undefined
  /** Makes ids and secrets the same in every run; a 32-bit whole number. Signing keys are always new. */
  readonly seed?: number | undefined
  /** Faults to begin with. */
  readonly faults?: readonly Fault[] | undefined
  /** The time in milliseconds since the epoch that the sandbox's clock starts from; default the system's. */
  readonly now?: (() => number) | undefined
  /** Default a UUID. */
  readonly clientId?: string | undefined
  /** Default 32 random bytes in base64url. */
  readonly clientSecret?: string | undefined
  /** The client that has no secret; default a UUID. */
  readonly publicClientId?: string | undefined
  readonly clients?: readonly ClientOptions[] | undefined
  /**
   * Default `jwt`, as the documented APIs have it; the public platform's are `opaque`. `at+jwt` is a JWT after RFC 9068, with
   * its `typ` and `aud`.
   */
  readonly accessTokenFormat?: AccessTokenFormat | undefined
  /** Seconds, 1 to 172800; default 3600. */
  readonly accessTokenSeconds?: number | undefined
  /** Signs access, ID and guest tokens; default `RS256`. */
  readonly algorithm?: Algorithm | undefined
  /** Name of the organization; default `Sandbox`. */
  readonly organization?: string | undefined
  /** Whether guest tokens carry `scope` as a list or as one string; default `array`. */
  readonly guestScopeFormat?: 'array' | 'string' | undefined
  /** The scopes that exist. */
  readonly scopes?: readonly string[] | undefined
  /** Host names to answer to on loopback besides localhost and 127.0.0.1, without port. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Default 24 random bytes in base64url. */
  readonly controlToken?: string | undefined
  /** How many requests the journal keeps, from 1; default 10000. */
  readonly journalSize?: number | undefined
}

const text = z.string().min(1)
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'a scope has no blanks and no quotes')

/** Whether a value is a JWK without a private half. */
function isPublicKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return 'kty' in value && value.kty !== 'oct' && !('d' in value)
}

const schema = z.strictObject({
  ...signInShape,
  ...guestShape,
  port: z.int().min(0).max(65_535).default(0),
  host: text.default('127.0.0.1'),
  rateLimit: limitBody.default({ perMinute: 300 }),
  seed: z.int().optional(),
  faults: z.array(z.custom<Fault>()).default([]),
  now: z.custom<() => number>((value) => typeof value === 'function', 'a function').default(() => Date.now),
  clientId: text.optional(),
  clientSecret: text.optional(),
  publicClientId: text.optional(),
  clients: z
    .array(
      z.strictObject({
        id: text,
        secret: text.optional(),
        keys: z.array(z.custom<JWK>(isPublicKey, 'a public key as a JWK')).min(1).optional(),
        organization: text.optional(),
        scopes: z.array(scope).optional(),
        redirectUris: redirectUris.optional(),
      }),
    )
    .default([]),
  accessTokenFormat: z.enum(accessTokenFormats).default('jwt'),
  accessTokenSeconds: z.int().min(1).max(172_800).default(3600),
  algorithm: z.enum(algorithms).default('RS256'),
  organization: text.default('Sandbox'),
  guestScopeFormat: z.enum(['array', 'string']).default('array'),
  scopes: z.array(scope).default([...defaultScopes]),
  allowedHosts: z.array(text.toLowerCase()).default([]),
  controlToken: text.optional(),
  journalSize: z.int().min(1).default(10_000),
})

export type Settings = z.infer<typeof schema>

/** The options with defaults filled in. Throws one TypeError that names every invalid option. */
export function readSettings(options: SandboxOptions): Settings {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new TypeError(`The sandbox's options are not valid: ${faults.join('; ')}`)
}
