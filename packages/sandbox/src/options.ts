import type { JWK } from 'jose'
import { z } from 'zod'
import type { Fault } from './faults.ts'
import { type GuestOptions, guestShape } from './guest-options.ts'
import { InvalidOptions, optionFaults } from './invalid-options.ts'
import { type Algorithm, algorithms } from './keys.ts'
import { type Limit, limitBody } from './limits.ts'
import { type AccessTokenFormat, accessTokenFormats } from './oauth/access-tokens.ts'
import { defaultScopes } from './oauth/scopes.ts'
import { redirectUris, type SignInOptions, signInShape } from './oauth/sign-in-options.ts'

/**
 * An OAuth client that is registered besides the sandbox's own two. Without `secret` and `keys` it is a
 * public client.
 */
export interface ClientOptions {
  readonly id: string
  /** Sent by HTTP Basic or in the form (RFC 6749, section 2.3.1). */
  readonly secret?: string | undefined
  /**
   * Its public keys, at least one: it signs an assertion in place of a secret (`private_key_jwt`, RFC 7523).
   */
  readonly keys?: readonly JWK[] | undefined
  /**
   * The name of its organization. Default the sandbox's own. A client cannot reach guests of another
   * organization.
   */
  readonly organization?: string | undefined
  /** The scopes that it may request. Default all scopes of the sandbox. */
  readonly scopes?: readonly string[] | undefined
  /**
   * Redirect URIs; those on loopback match with any port (RFC 8252, section 7.3). Default any address of this
   * machine.
   */
  readonly redirectUris?: readonly string[] | undefined
}

/** Options of a sandbox. Each has a default. */
export interface SandboxOptions extends SignInOptions, GuestOptions {
  /** TCP port, 0 to 65535. Default 0: any free port. */
  readonly port?: number | undefined
  /**
   * Address to listen on. Default `127.0.0.1`. Beyond loopback the control routes require the control token.
   */
  readonly host?: string | undefined
  /** Rate limit of each access token. Default 300 requests in each window of a minute, as the platform's. */
  readonly rateLimit?: Limit | undefined
  /**
   * Makes ids and secrets the same in every run with the same seed: a whole number, of which the lowest 32 bits
   * count. Signing keys are always new. Default: random ids and secrets.
   */
  readonly seed?: number | undefined
  /** Faults that are scripted from the start. Default none. */
  readonly faults?: readonly Fault[] | undefined
  /** The source of the sandbox's clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** The id of the client with a secret. Default a UUID. */
  readonly clientId?: string | undefined
  /** Its secret. Default 32 random bytes in base64url. */
  readonly clientSecret?: string | undefined
  /** The id of the client without a secret. Default a UUID. */
  readonly publicClientId?: string | undefined
  /** Further clients. Default none. */
  readonly clients?: readonly ClientOptions[] | undefined
  /**
   * Default `jwt`, as the documentation of the guest APIs shows. The public platform issues `opaque` tokens.
   */
  readonly accessTokenFormat?: AccessTokenFormat | undefined
  /** Lifetime of access tokens in seconds, 1 to 172800. Default 3600. */
  readonly accessTokenSeconds?: number | undefined
  /** The signature algorithm of access, ID and guest tokens. Default `RS256`. */
  readonly algorithm?: Algorithm | undefined
  /** The name of the organization. Default `Sandbox`. */
  readonly organization?: string | undefined
  /** The shape of the claim `scope` of guest tokens. The platform uses both. Default `array`. */
  readonly guestScopeFormat?: 'array' | 'string' | undefined
  /** The scopes that exist. Default those of the guest APIs and a few of the platform. */
  readonly scopes?: readonly string[] | undefined
  /**
   * Host names, without port, that a sandbox on loopback accepts besides localhost and 127.0.0.1. Default
   * none.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /**
   * The base URL under which other machines and containers reach the sandbox, as `http://sandbox:4000`: it is
   * the issuer, and all addresses in answers and environment begin with it. Default: the address to listen on.
   */
  readonly publicUrl?: string | undefined
  /** The token of the control routes. Default 24 random bytes in base64url. */
  readonly controlToken?: string | undefined
  /** How many requests the journal keeps, at least 1. Default 10000. */
  readonly journalSize?: number | undefined
}

const text = z.string().min(1)
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'a scope has no blanks and no quotes')

/** Returns whether a value is a public key as a JWK. */
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
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'an address as http://sandbox:4000' })
    .refine((url) => !/[?#@]/.test(url), 'an address without credentials, query and fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  controlToken: text.optional(),
  journalSize: z.int().min(1).default(10_000),
})

export type Settings = z.infer<typeof schema>

/** Fills in the defaults. Throws `InvalidOptions`. */
export function readSettings(options: SandboxOptions): Settings {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  throw new InvalidOptions(optionFaults(parsed.error, options, [], Object.keys(schema.shape)))
}
