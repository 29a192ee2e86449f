import { type Field, GuestpassError } from '../../domain/errors.ts'

/** One fault as a schema reports it. */
export interface Fault {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Fields that the request must not have. */
  readonly keys?: readonly string[]
}

/**
 * Makes one error of all faults of a request, each under the path of its field. `remedies` has one for the
 * first part of a path.
 */
export function invalid(faults: readonly Fault[], remedies: Readonly<Record<string, string>>): GuestpassError {
  const fields = faults.flatMap(({ path, message, keys }): Field[] =>
    keys
      ? keys.map((key) => ({
          field: pathOf([...path, key]),
          message: 'not a field of this request',
          remedy: 'Leave it out.',
        }))
      : [
          {
            field: pathOf(path),
            message,
            remedy: remedies[String(path[0] ?? '')] ?? 'See the documentation of this request.',
          },
        ],
  )
  const list = fields.map(({ field, message }) => `${field}: ${message}`).join('; ')
  return new GuestpassError('invalid_input', `The request is not valid: ${list}.`, { fields })
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? 'request'
    : path
        .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
        .join('')
