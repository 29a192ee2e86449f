import { type Field, GuestpassError } from '@guestpass/core'
import type * as kinds from '@guestpass/core/options'

export const fault = (field: string, message: string, remedy: string): Field => ({ field, message, remedy })

/** The error of arguments that are wrong, as `invalid_input`. `what`: what was not done, as a sentence without its end. */
export function argumentError(what: string, ...fields: readonly Field[]): GuestpassError {
  const said = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`)
  return new GuestpassError('invalid_input', `${what}: ${said.join(' ')}`, { fields })
}

/** What an argument is called, and what it must be. */
export interface Parameter {
  /** What was not done where it is wrong, as a sentence without its end. */
  readonly what: string
  readonly name: string
  readonly kind: kinds.Kind
  /** What the paths of its members begin with. Default: nothing. */
  readonly members?: string
}

/** An argument that is of its kind; `{}` for a record that was not given. Throws `invalid_input`, which names every fault. */
export function checkArgument<T>({ what, name, kind, members = '' }: Parameter, value: T | undefined): T {
  const given = value === undefined && kind.isRecord ? {} : value
  const faults = given === undefined ? [fault(name, 'is missing', kind.remedy)] : kind.faults(given, name, members)
  if (faults.length > 0) throw argumentError(what, ...faults)
  return given as T
}
