import { GuestpassError } from '../errors.ts'

/** The value, if it is a number from `least` to `most`; otherwise `config_invalid`, naming the field. */
export function within(field: string, value: number, least: number, most = Number.POSITIVE_INFINITY): number {
  if (value >= least && value <= most) return value
  const range = most === Number.POSITIVE_INFINITY ? `at least ${least}` : `from ${least} to ${most}`
  const fault = { field, message: `must be a number ${range}, got ${String(value)}`, remedy: `Give a number ${range}.` }
  throw new GuestpassError('config_invalid', `${field} ${fault.message}.`, { fields: [fault] })
}
