import { closestName } from '../../domain/closest-name.ts'
import { type Field, GuestpassError } from '../../domain/errors.ts'
import { isObject } from '../../domain/options.ts'

/** One fault as a schema reports it. */
export interface Fault {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Fields that the request must not have. */
  readonly keys?: readonly string[]
}

/** What is known of a request, for the remedies of its faults. */
interface KnownRequest {
  readonly input: unknown
  /** The names of its fields. */
  readonly fields: Readonly<Record<string, unknown>>
  /** By the first part of a path. `request`: the remedy of the request as a whole. */
  readonly remedies: Readonly<Record<string, string>>
}

/**
 * Makes one error of all faults that a schema found in a request. A misspelt field is answered with the field that is
 * close to it, and a request that is no object with its remedy.
 */
export function requestFaults(faults: readonly Fault[], { input, fields, remedies }: KnownRequest): GuestpassError {
  if (!isObject(input)) {
    const message = input === undefined ? 'is missing' : `is ${kindOf(input)}, not an object`
    return invalid([{ path: [WHOLE], message }], remedies)
  }
  const names = Object.keys(fields)
  const missing = names.filter((name) => input[name] === undefined)
  return invalid(faults, remedies, (name) => begunName(name, missing) ?? closestName(name, missing))
}

/**
 * Makes one error of all faults of a request, each under the path of its field. `remedies` has one for the
 * first part of a path. `meant`: the field that a name outside a nested object was meant for.
 */
export function invalid(
  faults: readonly Fault[],
  remedies: Readonly<Record<string, string>>,
  meant: (name: string) => string | undefined = () => undefined,
): GuestpassError {
  const fields = faults.flatMap(({ path, message, keys }): Field[] =>
    keys
      ? keys.map((key) => ({
          field: pathOf([...path, key]),
          message: 'not a field of this request',
          remedy: unknownFieldRemedy(path.length === 0 ? meant(key) : undefined),
        }))
      : [
          {
            field: pathOf(path),
            message,
            remedy: remedies[String(path[0] ?? '')] ?? 'See the documentation of this request.',
          },
        ],
  )
  const list = fields.map(faultText).join('; ')
  return new GuestpassError('invalid_input', `The request is not valid: ${list}.`, { fields })
}

/** A fault as text. For a name or a request that a program wrote wrong, its developer reads the message alone. */
const faultText = ({ field, message, remedy }: Field): string =>
  field === WHOLE || remedy.startsWith('Did you mean')
    ? `${field}: ${message} (${remedy.replace(/\.$/, '')})`
    : `${field}: ${message}`

/** The field of a fault of the request as a whole. */
const WHOLE = 'request'

const pathOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? WHOLE
    : path
        .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
        .join('')

/** The name that a shorter one of at least four letters begins, as `channelId` for `channel`. */
const begunName = (written: string, names: readonly string[]): string | undefined =>
  written.length < 4 ? undefined : names.find((name) => name.startsWith(written))

const unknownFieldRemedy = (meant: string | undefined): string =>
  meant === undefined ? 'Leave it out.' : `Did you mean ${meant}?`

/** The kind of a value that is no object, as a noun. */
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'string' ? 'a text' : `a ${typeof value}`
