import { GuestpassError } from '../errors.ts'

/** The error as events may tell it: they outlive the guest and know it by its subject only, whatever ids it has and however they are written. */
export const withoutIds = (
  error: GuestpassError,
  subject: string,
  ids: readonly (string | undefined)[],
): GuestpassError =>
  new GuestpassError(
    error.code,
    ids.reduce<string>(
      (text, id) => (id === undefined ? text : text.replaceAll(literally(id), subject)),
      error.message,
    ),
    {
      ...(error.upstream ? { upstream: error.upstream } : {}),
      ...(error.reason === undefined ? {} : { reason: error.reason }),
    },
  )

/** The text itself, in any case. */
const literally = (text: string): RegExp => new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gi')
