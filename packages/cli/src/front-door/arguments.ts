import { type Field, GuestpassError } from '@guestpass/core'
import { nearest } from '@guestpass/runtime'

/** An argument as an object; undefined for anything else, also for a list. */
export const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined

export const fault = (field: string, message: string, remedy: string): Field => ({ field, message, remedy })

/** The error of arguments that are wrong, as `invalid_input`. `what`: what was not done, as a sentence without its end. */
export function refused(what: string, ...fields: readonly Field[]): GuestpassError {
  const said = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`)
  return new GuestpassError('invalid_input', `${what}: ${said.join(' ')}`, { fields })
}

/** Faults of members that an argument does not have. */
export const unknownMembers = (
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  prefix = '',
): readonly Field[] =>
  Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => fault(`${prefix}${name.slice(0, 60)}`, 'is not known', meant(name, known)))

/** What to do about a name that is not known. */
export function meant(name: unknown, known: readonly string[]): string {
  const close = typeof name === 'string' ? nearest(name, known) : undefined
  return close ? `Did you mean ${close}?` : `Known are ${known.join(', ')}.`
}
