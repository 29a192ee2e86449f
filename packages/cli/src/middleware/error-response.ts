import { type Field, GuestpassError } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import { type Instant, SECOND } from '@guestpass/core/store-kit'
import { type ProblemResponse, problemResponse } from './problem-response.ts'
import { checkErrorOptions, type ErrorOptions } from './options.ts'

const clock = systemClock()

/** The path of a field that a program named: an attribute's name could be an address. */
const FIELD = /^[\w.[\]-]{1,100}$/

const pathsOf = (fields: readonly Field[]): readonly { readonly field: string }[] =>
  fields.filter(({ field }) => FIELD.test(field)).map(({ field }) => ({ field }))

/**
 * The answer to a guest whose request failed with this error: code, title and status by the catalogue, and `Retry-After` (RFC 9110,
 * section 10.2.3) where it is known. The message and what upstream said stay here: they can name settings, addresses and other guests.
 * Errors below 500 also say their reason and which fields were wrong; of the others only the reason `guest` is for guests: the guest must
 * be authenticated again.
 */
export function errorResponse(error: GuestpassError, now: Instant = clock.wall()): ProblemResponse {
  const { type, title, status, code, retryable, retryAt, fields, reason } = error.toProblem()
  const isAboutRequest = status < 500
  const seconds = error.retryAt === undefined ? undefined : Math.max(Math.ceil((error.retryAt - now) / SECOND), 1)
  return problemResponse(
    {
      type,
      title,
      status,
      code,
      retryable,
      ...(retryAt === undefined ? {} : { retryAt }),
      ...(reason !== undefined && (isAboutRequest || reason === 'guest') ? { reason } : {}),
      ...(fields && isAboutRequest ? { fields: pathsOf(fields) } : {}),
    },
    seconds === undefined ? {} : { 'retry-after': String(seconds) },
  )
}

/**
 * Answers what is a GuestpassError, after `onError` was called; gives undefined for everything else. Throws `config_invalid`.
 *
 * @param more The functions that the options of one framework name besides.
 */
export function createErrorResponder(
  options: ErrorOptions,
  more?: readonly string[],
): (thrown: unknown) => ProblemResponse | undefined {
  checkErrorOptions(options, more)
  const { onError } = options
  return (thrown) => {
    if (!(thrown instanceof GuestpassError))
      return undefined
      // The guest gets an answer all the same, whatever becomes of it.
    ;(async () => onError?.(thrown))().catch(() => {})
    return errorResponse(thrown)
  }
}
