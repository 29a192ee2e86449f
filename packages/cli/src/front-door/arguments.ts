import { type Field, GuestpassError } from '@guestpass/core'
import type * as schemas from '@guestpass/core/options'

/** A field of an error. */
export const fieldFault = (field: string, message: string, remedy: string): Field => ({ field, message, remedy })

/** The `invalid_input` of wrong arguments. `what`: what was not done, as a sentence without its full stop. */
export function argumentError(what: string, ...fields: readonly Field[]): GuestpassError {
  const faults = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`)
  return new GuestpassError('invalid_input', `${what}: ${faults.join(' ')}`, { fields })
}

/** The name of an argument, and what it must be. */
export interface Parameter {
  /** What was not done if the argument is wrong, as a sentence without its full stop. */
  readonly what: string
  readonly name: string
  readonly kind: schemas.OptionSchema
  /** The prefix of its members in faults, as `filter.`. Default: none. */
  readonly members?: string
}

/**
 * Gives the argument if it is of its kind, and `{}` for a record that was not given. Throws `invalid_input`,
 * which names every fault.
 */
export function checkArgument<T>({ what, name, kind, members = '' }: Parameter, value: T | undefined): T {
  const given = value === undefined && kind.isObjectSchema ? {} : value
  const faults = given === undefined ? [fieldFault(name, 'is missing', kind.remedy)] : kind.faults(given, name, members)
  if (faults.length > 0) throw argumentError(what, ...faults)
  return given as T
}
