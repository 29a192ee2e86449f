import { z } from 'zod'
import { redirectAddress } from './redirect-uris.ts'
import { defaultUsers, type UserOptions } from './users.ts'

/** The options of a sandbox about users who sign in. */
export interface SignInOptions {
  /**
   * Whether the authorize endpoint answers at once, as if the first user had allowed it. Default false: it
   * shows a page.
   */
  readonly autoConsent?: boolean | undefined
  /** The users who can sign in, at least one. Default two made-up ones. */
  readonly users?: readonly UserOptions[] | undefined
  /** Redirect URIs of the sandbox's own clients, besides any address of this machine. Default none. */
  readonly redirectUris?: readonly string[] | undefined
  /** Lifetime of an authorization code in seconds, 60 to 600. Default 60. */
  readonly authorizationCodeSeconds?: number | undefined
  /** Polling interval of a device in seconds, 1 to 60 (RFC 8628, section 3.2). Default 5. */
  readonly deviceIntervalSeconds?: number | undefined
  /**
   * What happens when a spent refresh token is presented again. `strict` ends the sign-in with all its
   * tokens. `grace` repeats the same answer for `graceSeconds`, and then is strict. Default `strict`.
   */
  readonly refreshProfile?: 'strict' | 'grace' | undefined
  /** How long `grace` repeats an answer, in seconds, 0 to 3600. Default 30. */
  readonly graceSeconds?: number | undefined
  /**
   * Whether a refresh gives a new refresh token. False: the old one stays valid, and answers contain none.
   * Default true.
   */
  readonly rotate?: boolean | undefined
}

const text = z.string().min(1)

export const redirectUris = z.array(
  z
    .string()
    .refine((uri) => redirectAddress(uri) !== undefined, 'an absolute address without fragment and credentials'),
)

export const signInShape = {
  autoConsent: z.boolean().default(false),
  users: z
    .tuple([user()], user())
    .refine(distinct, 'two users have the same id')
    .default([...defaultUsers]),
  redirectUris: redirectUris.default([]),
  authorizationCodeSeconds: z.int().min(60).max(600).default(60),
  deviceIntervalSeconds: z.int().min(1).max(60).default(5),
  refreshProfile: z.enum(['strict', 'grace']).default('strict'),
  graceSeconds: z.int().min(0).max(3600).default(30),
  rotate: z.boolean().default(true),
}

function user() {
  return z.strictObject({ id: text.optional(), name: text, email: z.email() })
}

function distinct(users: readonly UserOptions[]): boolean {
  const ids = users.flatMap(({ id }) => id ?? [])
  return new Set(ids).size === ids.length
}
