import { type Field, GuestpassError } from './errors.ts'
import { closestName } from './closest-name.ts'
import { isScope } from './scopes.ts'

/** Describes the values that an option may have, and checks them. */
export interface OptionSchema {
  /**
   * Gives the faults of a value that is not undefined; none if it fits.
   *
   * @param field the path of the value, for the faults, as `policy.limit`
   * @param members the prefix of the paths of its members. Default: `field` and a dot
   */
  faults(value: unknown, field: string, members?: string): readonly Field[]
  /** What to do if the value is missing: a sentence. */
  readonly remedy: string
  /** Whether undefined is a fault. Default: undefined is allowed. */
  readonly isRequired?: true
  /** Whether it was made by `object`. See `checkOptions` for the paths of such an argument. */
  readonly isObjectSchema?: true
}

/** One argument of a factory, for `checkOptions`: its name, its value, and the schema that it must fit. */
export type Argument = readonly [name: string, value: unknown, schema: OptionSchema]

/**
 * Checks the arguments of a public factory. Call it before anything else, so that a wrong option is an error
 * with a remedy, and not a TypeError later. For an optional argument whose schema is an `object`, the paths in
 * faults begin with its members: `rate`, not `options.rate`.
 *
 * @param factory the name of the factory, for the message
 * @throws `config_invalid`, whose `fields` list every fault with its path. No given text is repeated, except
 *   names of unknown options, cut to 60 characters.
 */
export function checkOptions(factory: string, ...given: readonly Argument[]): void {
  const fields = given.flatMap(([name, value, kind]) => {
    const mayBeLeftOut = kind.isObjectSchema && !kind.isRequired
    return mayBeLeftOut ? kind.faults(value === undefined ? {} : value, name, '') : faultsOf(kind, value, name)
  })
  if (fields.length > 0) throw optionsError(factory, ...fields)
}

/** Makes the error `config_invalid` of a factory, from faults that the caller found itself. */
export function optionsError(factory: string, ...fields: readonly Field[]): GuestpassError {
  const said = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`).join(' ')
  return new GuestpassError('config_invalid', `Wrong options for ${factory}: ${said}`, { fields })
}

function faultsOf(kind: OptionSchema, value: unknown, field: string): readonly Field[] {
  if (value !== undefined) return kind.faults(value, field)
  return kind.isRequired ? [{ field, message: 'is missing', remedy: kind.remedy }] : []
}

/** Makes a schema for which undefined is a fault. All other schemas allow undefined. */
export const required = (kind: OptionSchema): OptionSchema => ({ ...kind, isRequired: true })

/**
 * Makes a schema from a test.
 *
 * @param wanted a noun for the value, as in `is null, not WANTED` and `Give WANTED.`
 * @param is whether a value fits
 * @param remedy what to do, as a sentence. Default: `Give WANTED.`
 */
export const schema = (wanted: string, is: (value: unknown) => boolean, remedy = `Give ${wanted}.`): OptionSchema => ({
  remedy,
  faults: (value, field) => (is(value) ? [] : [mismatch(value, field, wanted, remedy)]),
})

/** Schema of a text that contains more than blanks. */
export const nonEmptyText = schema('a text', (value) => typeof value === 'string' && value.trim() !== '')
/** Schema of one OAuth scope (RFC 6749, section 3.3). */
export const scope = schema('a scope', isScope, 'Give one scope for each.')
/** Schema of true or false. */
export const boolean = schema('true or false', (value) => typeof value === 'boolean')
/** Schema of any value except a promise, for options that the code behind the factory checks itself. */
export const anyValue = schema('a value', (value) => !isPromise(value))

/** Schema of a function. `remedy`: what to give, as a sentence. */
export const callable = (remedy: string): OptionSchema =>
  schema('a function', (value) => typeof value === 'function', remedy)

/** Schema of a `Secret`. A plain text is refused, because it could be printed. */
export const secret = schema(
  'a Secret',
  (value) => isObject(value) && typeof value['reveal'] === 'function',
  'Wrap the text: new Secret(text).',
)

/**
 * Schema of a number from `least` to `most`, both included. A `least` of `Number.MIN_VALUE` means: more than
 * 0. `most` defaults to `Number.MAX_SAFE_INTEGER`, so that Infinity is refused.
 */
export const number = (least: number, most = Number.MAX_SAFE_INTEGER): OptionSchema =>
  schema(`a number ${range(least, most)}`, (value) => typeof value === 'number' && value >= least && value <= most)

/** Schema of a whole number from `least` to `most`, both included. `most` defaults to `Number.MAX_SAFE_INTEGER`. */
export const integer = (least: number, most = Number.MAX_SAFE_INTEGER): OptionSchema =>
  schema(
    `a whole number ${range(least, most)}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  )

function range(least: number, most: number): string {
  const isAbove = least === Number.MIN_VALUE
  if (most === Number.MAX_SAFE_INTEGER) return isAbove ? 'above 0' : `of at least ${least}`
  return isAbove ? `above 0, at most ${most}` : `from ${least} to ${most}`
}

/** The longest duration of an option: ten years, in milliseconds. */
const MAX_DURATION = 315_360_000_000

/**
 * Schema of a duration in milliseconds from `least` to `most`, both included; fractions are allowed. `most`
 * defaults to `MAX_DURATION`. A `most` of Infinity allows up to `MAX_DURATION`, and Infinity itself.
 */
export const millis = (least: number, most = MAX_DURATION): OptionSchema => {
  const wanted = `milliseconds ${range(least, most === Number.POSITIVE_INFINITY ? MAX_DURATION : most)}`
  return most === Number.POSITIVE_INFINITY
    ? schema(`${wanted}, or Infinity`, (value) => value === most || isWithin(value, least, MAX_DURATION))
    : schema(wanted, (value) => isWithin(value, least, most))
}

/** Schema of a duration in milliseconds from 1 to `MAX_DURATION`, or Infinity. */
export const millisOrInfinity = millis(1, Number.POSITIVE_INFINITY)

/** The latest time of a `Date`, in milliseconds since 1970; the earliest is as far before. */
const LAST_DATE = 8_640_000_000_000_000

/** Schema of a time in milliseconds since 1970. */
export const instant = schema(
  'milliseconds since 1970',
  (value) => isWithin(value, -LAST_DATE, LAST_DATE),
  "Give milliseconds since 1970, as Date.parse('2026-01-01').",
)

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most

/**
 * Schema of one of some texts. For another text the remedy suggests the closest name. The fault does not
 * repeat the given text.
 */
export const oneOf = (...names: readonly string[]): OptionSchema => {
  const wanted = `one of ${names.join(', ')}`
  const remedy = `Give ${wanted}.`
  return {
    remedy,
    faults(value, field) {
      if (typeof value !== 'string') return [mismatch(value, field, wanted, remedy)]
      if (names.includes(value)) return []
      const meant = closestName(value, names)
      return [{ field, message: `is not ${wanted}`, remedy: meant === undefined ? remedy : `Did you mean ${meant}?` }]
    },
  }
}

/**
 * Schema of an array of values that fit `of`; undefined is no such value. `least`: the fewest values, default
 * 0. `remedy` defaults to that of `of`.
 */
export const list = (of: OptionSchema, least = 0, remedy = `Give a list: ${of.remedy}`): OptionSchema => ({
  remedy,
  faults(value, field) {
    if (!Array.isArray(value)) return [mismatch(value, field, 'a list', remedy)]
    if (value.length < least) return [{ field, message: 'is empty', remedy }]
    return value.flatMap((one: unknown, at) => faultsOf(required(of), one, `${field}[${at}]`))
  },
})

/**
 * Schema of an object with methods of these names, own or inherited. `wanted`: a noun for it, as `a clock`.
 * `remedy`: what to give, as a sentence.
 */
export const objectWithMethods = (wanted: string, methods: readonly string[], remedy: string): OptionSchema => ({
  remedy,
  faults(value, field) {
    const lacking = methods.filter((name) => typeof memberOf(value, name) !== 'function')
    if (lacking.length === 0) return []
    if (lacking.length === methods.length) return [mismatch(value, field, wanted, remedy)]
    return [{ field, message: `is not ${wanted}: it lacks ${lacking.map((one) => `${one}()`).join(', ')}`, remedy }]
  },
})

/** A schema for every member of a type. */
export type SchemasOf<T> = { readonly [K in keyof Required<T>]: OptionSchema }

/** The schema of an object with known members. */
export interface ObjectSchema<T> extends OptionSchema {
  readonly schemas: SchemasOf<T>
}

/**
 * Schema of an object with these members. Other members are refused, because they may be misspelt.
 *
 * @param kinds the schema of each member. A member may be absent unless its schema is `required`.
 * @param options `open`: whether other members are allowed, as in a record of ports; default false. Then only
 *   a name that is close to a missing member is refused. `remedy`: default, the names of the members.
 */
export const object = <T>(
  kinds: SchemasOf<T>,
  { open = false, remedy = `Give an object with ${Object.keys(kinds).join(', ')}.` } = {},
): ObjectSchema<T> => ({
  schemas: kinds,
  remedy,
  isObjectSchema: true,
  faults(value, field, members = `${field}.`) {
    if (!isObject(value) || isPromise(value)) return [mismatch(value, field, 'an object', remedy)]
    const names = Object.keys(kinds)
    return [
      ...names.flatMap((name) => faultsOf(kinds[name as keyof T], value[name], `${members}${name}`)),
      ...Object.keys(value)
        .filter((name) => !Object.hasOwn(kinds, name) && value[name] !== undefined)
        .filter((name) => !open || isMisspelt(closestName(name, names), value))
        .map((name) => unknownMember(name, names, members)),
    ]
  },
})

/** Whether a name is missing, so that another one that is close to it was meant for it. */
const isMisspelt = (name: string | undefined, value: Readonly<Record<string, unknown>>): boolean =>
  name !== undefined && value[name] === undefined

/** Characters of an unknown name that a fault repeats. */
const LONGEST_NAME = 60

function unknownMember(name: string, names: readonly string[], members: string): Field {
  const meant = closestName(name, names)
  return {
    // Cut, because it may be a token in the wrong place.
    field: `${members}${name.slice(0, LONGEST_NAME)}`,
    message: 'is not an option',
    remedy: meant === undefined ? `Known are ${names.join(', ')}.` : `Did you mean ${meant}?`,
  }
}

/** Schema of an object with members of any names, whose values fit `of`. `remedy`: what to give, as a sentence. */
export const dictionaryOf = (of: OptionSchema, remedy: string): OptionSchema => ({
  remedy,
  faults(value, field) {
    if (!isObject(value) || isPromise(value)) return [mismatch(value, field, 'an object', remedy)]
    return Object.entries(value).flatMap(([name, one]) => faultsOf(of, one, `${field}.${name}`))
  },
})

/** Schema of a value that fits one of several schemas. The faults of other values are those of `first`. */
export const anyOf = (first: OptionSchema, ...others: readonly OptionSchema[]): OptionSchema => ({
  ...first,
  faults: (value, field) =>
    others.some((one) => one.faults(value, field).length === 0) ? [] : first.faults(value, field),
})

/**
 * Adds a check to a schema, as of two members that must agree. `more` is called only with a value that fits
 * `of`. It gets the prefix of the paths of members, as `policy.`, and returns the faults.
 */
export const refined = (of: OptionSchema, more: (value: never, members: string) => readonly Field[]): OptionSchema => ({
  ...of,
  faults(value, field, members = `${field}.`) {
    const faults = of.faults(value, field, members)
    return faults.length > 0 ? faults : more(value as never, members)
  },
})

/** Whether a value is an object, and neither null nor an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const memberOf = (value: unknown, name: string): unknown =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined

const isPromise = (value: unknown): boolean => typeof memberOf(value, 'then') === 'function'

function mismatch(value: unknown, field: string, wanted: string, remedy: string): Field {
  const message = `is ${described(value)}, not ${wanted}`
  return { field, message, remedy: isPromise(value) ? 'Write `await` before the call that makes it.' : remedy }
}

/** A short name of a value, without its content. */
function described(value: unknown): string {
  if (isPromise(value)) return 'a promise'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return value.trim() === '' ? 'an empty text' : 'a text'
  if (Array.isArray(value)) return 'a list'
  if (typeof memberOf(value, 'reveal') === 'function') return 'a Secret'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
