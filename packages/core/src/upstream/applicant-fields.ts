import * as z from 'zod/mini'
import type { Assurance } from '../domain/credential.ts'
import { jsonBytes, MAX_ATTRIBUTE_BYTES, reservedAttributes } from '../domain/guest-attributes.ts'
import { type Json, jsonProblem, LONE_SURROGATE } from '../domain/json.ts'
import type { RequestField } from './request-field.ts'

/** The error of a value: `is missing` for a field that is left out, else the message. */
const unlessMissing = (message: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : message),
})

const text = (): z.ZodMiniString => z.string(unlessMissing('not a text'))

/** The same field, which may be left out. */
export const optional = <S extends z.ZodMiniType>(field: RequestField<S>): RequestField<z.ZodMiniOptional<S>> => ({
  ...field,
  schema: z.optional(field.schema),
})

/**
 * One address in the shape of a mailbox: no blanks, one @, a dotted or local domain; at most 254 characters
 * (RFC 5321, 4.5.3.1).
 */
const MAILBOX = /^[^\s@"<>(),:;\\[\]\p{Cc}\p{Cf}\p{Cs}]{1,64}@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u

/** The address of the applicant. It is trimmed and in lower case once it is checked. */
export const email = {
  schema: z.pipe(
    z.transform<string, unknown>((value: unknown) => (typeof value === 'string' ? value.trim().toLowerCase() : value)),
    text().check(
      z.maxLength(254, 'longer than 254 characters'),
      z.refine((value) => MAILBOX.test(value) && !value.includes('..'), 'not an address'),
    ),
  ),
  about: "the person's address",
  remedy: 'Give one address, as name@example.com.',
  written: 'text',
  placeholder: 'address',
} as const satisfies RequestField

/** The name of the applicant, 1 to 100 characters. */
export const name = {
  schema: text().check(
    z.refine((value) => value.trim() !== '', 'empty'),
    z.refine((value) => Array.from(value).length <= 100, 'longer than 100 characters'),
    z.refine((value) => value.isWellFormed(), LONE_SURROGATE),
    z.refine((value) => !/\p{Cc}/u.test(value), 'holds a control character, such as a tab or a line end'),
  ),
  about: "the person's name, 1 to 100 characters",
  remedy: 'Give 1 to 100 characters.',
  written: 'text',
  placeholder: 'name',
} as const satisfies RequestField

/** The applicant's consent to be processed: exactly true. */
export const consent = {
  schema: z.literal(true, {
    error: ({ input }: { readonly input?: unknown }) => {
      if (input === undefined) return 'is missing'
      return typeof input === 'string' && /^ *true *$/i.test(input) ? 'is the text true, not the boolean' : 'not true'
    },
  }),
  about: 'the person agreed to be processed',
  remedy: 'Set it, to exactly true, only when the person agreed.',
  written: 'flag',
} as const satisfies RequestField

/**
 * The channel of the guest. `.` and `..` are refused: they would name another resource in the path of a URL.
 */
export const channelId = {
  schema: text().check(z.regex(/^(?!\.{1,2}$)[\w.:-]{1,100}$/, 'not the id of a channel')),
  about: 'the channel of the guest',
  remedy: "Give the channel's id, 1 to 100 letters, digits, dots, colons, dashes or underscores.",
  written: 'text',
  placeholder: 'id',
  inImport: 'row-or-all',
} as const satisfies RequestField

/** Checked before anything walks the value. */
const walkable = <Value extends Json>() =>
  z.custom<Readonly<Record<string, Value>>>().check(
    z.superRefine((value, context) => {
      const message = jsonProblem(value)
      if (message) context.addIssue({ code: 'custom', message, input: undefined })
    }),
  )

const attributesOf = <Value extends Json>(value: z.ZodMiniType<Value, Value>) =>
  ({
    schema: z.pipe(
      walkable<Value>(),
      z.record(z.string(), value, 'not a record').check(
        z.superRefine((attributes, context) => {
          for (const reserved of reservedAttributes.filter((one) => Object.hasOwn(attributes, one)))
            context.addIssue({
              code: 'custom',
              path: [reserved],
              message: 'is filled by the CRM or by consent; choose another name',
              input: undefined,
            })
          if (jsonBytes(attributes) > MAX_ATTRIBUTE_BYTES)
            context.addIssue({ code: 'custom', message: `over ${MAX_ATTRIBUTE_BYTES} bytes as JSON`, input: undefined })
        }),
      ),
    ),
    about: `attributes, each as NAME=VALUE, at most ${MAX_ATTRIBUTE_BYTES} bytes as JSON`,
    remedy: `Give names with values, at most ${MAX_ATTRIBUTE_BYTES} bytes as JSON, without ${reservedAttributes.join(', ')}.`,
    written: 'pairs',
    placeholder: 'name=value',
  }) as const satisfies RequestField

const jsonValue: z.ZodMiniType<Json, Json> = z.json()

/** Attributes with values of any kind of JSON. Names that the CRM and the consent fill are refused. */
export const attributes = attributesOf(jsonValue)

/** Attributes with texts as values. Names that the CRM and the consent fill are refused. */
export const textAttributes = attributesOf(z.string('not a text'))

/**
 * What to do with a request for an applicant who has a session. `reject`: the request rejects with
 * `session_exists`. `reuse`: it returns the guest of that session. `replace`: it makes a new guest, and the
 * verifier denies the tokens of the former one. `reuse` and `replace` need the assurance `verified`. Default:
 * `ConnectionOptions.onDuplicate`, else `reject`.
 */
export type OnDuplicate = 'reject' | 'reuse' | 'replace'

/**
 * What to do with a request for an applicant if the answer to an earlier create was lost, at an API that
 * accepts a second guest for one address. `refuse` (default): the request rejects with `create_in_doubt`.
 * `create`: it makes a guest, although another one may exist.
 */
export type OnDoubt = 'refuse' | 'create'

/** What every request of an applicant may say of how it is to be treated. */
export const treatment = {
  assurance: {
    schema: z.optional(z.enum<readonly Assurance[]>(['claimed', 'verified'], 'neither claimed nor verified')),
    about: 'claimed (default), or verified if you know that the address is theirs',
    remedy: 'Give claimed, or verified when your backend knows that the address belongs to the person who asks.',
    written: 'text',
    placeholder: 'word',
    inImport: 'row-or-all',
  },
  onDuplicate: {
    schema: z.optional(
      z.enum<readonly OnDuplicate[]>(['reject', 'reuse', 'replace'], 'none of reject, reuse, replace'),
    ),
    about: 'for an applicant who has a session: reject, or, for a verified address, reuse or replace',
    remedy: 'Give reject; or reuse or replace, with assurance verified.',
    written: 'text',
    placeholder: 'word',
    inImport: 'never',
  },
  onDoubt: {
    schema: z.optional(z.enum<readonly OnDoubt[]>(['refuse', 'create'], 'neither refuse nor create')),
    about: 'make another guest although the answer to a create was lost, and one may exist',
    remedy: 'Give refuse, or create to have another guest made beside the one that may exist.',
    written: 'flag',
    means: 'create',
    inImport: 'all',
  },
} as const satisfies Readonly<Record<string, RequestField>>
