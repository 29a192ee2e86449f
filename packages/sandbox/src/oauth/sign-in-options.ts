import { z } from 'zod'
import { redirectAddress } from './redirect-uris.ts'
import { defaultUsers, type UserOptions } from './users.ts'

/** The part of a sandbox's options that is about users who sign in. */
export interface SignInOptions {
  /** Whether the authorize endpoint answers at once, as if the first user had said yes; default false: it shows a page. */
  readonly autoConsent?: boolean | undefined
  /** Who can sign in; default two made-up people. */
  readonly users?: readonly UserOptions[] | undefined
  /** Where the sandbox's own clients may send users besides any address of this machine. */
  readonly redirectUris?: readonly string[] | undefined
  /** Seconds that an authorization code may wait, 60 to 600; default 60. */
  readonly authorizationCodeSeconds?: number | undefined
  /** Seconds that a device must leave between two questions, 1 to 60; default 5. */
  readonly deviceIntervalSeconds?: number | undefined
  /**
   * When a spent refresh token comes again: `strict` (default) ends everything from that sign-in; `grace` gives the very
   * same answer again for `graceSeconds`, and is strict after that.
   */
  readonly refreshProfile?: 'strict' | 'grace' | undefined
  /** 0 to 3600; default 30. */
  readonly graceSeconds?: number | undefined
  /** Whether a refresh gives a new refresh token; default true. False keeps the old one, and answers name none. */
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
