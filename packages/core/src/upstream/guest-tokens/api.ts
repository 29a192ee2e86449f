import * as z from 'zod/mini'
import { isUuid } from '../../domain/uuid.ts'
import type { MintingApi } from '../guest-api.ts'
import type { RequestField } from '../request-field.ts'
import { durations, LONGEST_DURATION, secondsOf } from './durations.ts'
import { guestScopes, MINT_SCOPE, REFRESH_SCOPE } from './scopes.ts'

const seconds = z.number('not a number or a name').check(
  z.refine((value) => Number.isInteger(value), 'not a whole number of seconds'),
  z.refine((value) => value >= 1 && value <= LONGEST_DURATION, `not from 1 to ${LONGEST_DURATION} seconds`),
)

const guestId = {
  schema: z.optional(z.string('not a text').check(z.refine(isUuid, 'not a UUID'))),
  about: 'a UUID (default: a new one)',
  remedy: 'Give a UUID such as 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90, or leave it out to get a new one.',
  written: 'text',
  placeholder: 'uuid',
} as const satisfies RequestField

const duration = {
  schema: z.optional(z.pipe(z.transform<string | number, unknown>(secondsOf), seconds)),
  about: `shortSession (default), ${Object.keys(durations).slice(1).join(', ')}, seconds from 1 to ${LONGEST_DURATION}, or 90m or 2h`,
  remedy: `Give one of ${Object.keys(durations).join(', ')}, a whole number of seconds from 1 to ${LONGEST_DURATION}, or minutes or hours as 90m or 2h.`,
  written: 'text',
  placeholder: 'name|seconds',
  inImport: 'row-or-all',
} as const satisfies RequestField

const scopes = {
  schema: z.pipe(
    z.custom<readonly string[]>(),
    z
      .array(z.enum(guestScopes, 'not a guest scope'), {
        error: ({ input }) => (input === undefined ? 'is missing' : 'not a list of scopes'),
      })
      .check(z.minLength(1, 'at least one scope is needed')),
  ),
  about: 'required, what the guest may do: webmessaging:guest:send, :receive, :read, :update',
  remedy: `Give one or more of ${guestScopes.join(', ')}.`,
  written: 'list',
  placeholder: 'scope',
  inImport: 'row-or-all',
} as const satisfies RequestField

/** The API of ephemeral guest tokens: minted for an id, refreshed under an Idempotency-Key. */
export const guestTokens = {
  name: 'guest-tokens',
  singular: 'guest-token',
  summary: 'an anonymous guest with an ephemeral token',
  guests: 'minted',
  scopes: [MINT_SCOPE, REFRESH_SCOPE],
  tokenFormat: 'jwt',
  fields: { guestId, duration, scopes },
} as const satisfies MintingApi
