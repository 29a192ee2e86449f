import { anyOf, type OptionSchema, list, nonEmptyText, dictionaryOf } from '../../domain/options.ts'
import type { Field } from '../../domain/errors.ts'

/**
 * Further parameters of an authorization or token request, by name, as `resource`, `audience` or `prompt`.
 * Several values of one name are sent in their order. See `authorizeParams` and `tokenParams` of
 * `ConnectionOptions`.
 */
export type ExtraParams = Readonly<Record<string, string | readonly string[]>>

/** Parameters that a request sets itself, or that it must not show. Other values would break later checks. */
const RESERVED = {
  authorize: [
    'response_type',
    'response_mode',
    'client_id',
    // The browser would show them.
    'client_secret',
    'client_assertion',
    'client_assertion_type',
    'redirect_uri',
    'scope',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'request',
    'request_uri',
  ],
  token: [
    'grant_type',
    'client_id',
    'client_secret',
    'client_assertion',
    'client_assertion_type',
    'code',
    'code_verifier',
    'redirect_uri',
    'refresh_token',
    'device_code',
    'scope',
    'token',
    'token_type_hint',
  ],
} as const

/**
 * Gives the names among further parameters (`authorizeParams`, `tokenParams`) that must not be given, because a
 * request sets them itself. `of`: the kind of request, of the authorization endpoint or the token endpoint.
 */
export const reservedParams = (of: 'authorize' | 'token', params: ExtraParams): readonly string[] =>
  Object.keys(params).filter((name) => (RESERVED[of] as readonly string[]).includes(name))

const faultOf = (of: keyof typeof RESERVED, field: string, params: ExtraParams): readonly Field[] => {
  const names = reservedParams(of, params)
  if (names.length === 0) return []
  return [
    {
      field,
      message: `sets ${names.join(', ')}, which must not be among free parameters`,
      remedy: `Take ${names.length === 1 ? 'it' : 'them'} out.`,
    },
  ]
}

const shape = dictionaryOf(anyOf(nonEmptyText, list(nonEmptyText)), 'Give names with texts, or with lists of texts.')

/** Free parameters of a request, none of them reserved. */
export const freeParams = (of: keyof typeof RESERVED): OptionSchema => ({
  ...shape,
  faults(value, field) {
    const faults = shape.faults(value, field)
    return faults.length > 0 ? faults : faultOf(of, field, value as ExtraParams)
  },
})

/** The parameters as name and value, each value by itself. */
export const pairsOf = (params: ExtraParams = {}): [string, string][] =>
  Object.entries(params).flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value]))
