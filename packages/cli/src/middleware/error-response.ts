import { type Field, GuestpassError } from '@guestpass/core'
import { errorTime, systemClock } from '@guestpass/core/runtime-kit'
import { type Instant, SECOND } from '@guestpass/core/store-kit'
import { type ProblemResponse, problemResponse } from './problem-response.ts'
import { checkErrorOptions, type ErrorOptions } from './options.ts'

const clock = systemClock()

/** Paths that may be shown. The name of an attribute could be an address. */
const FIELD = /^[\w.[\]-]{1,100}$/

const pathsOf = (fields: readonly Field[]): readonly { readonly field: string }[] =>
  fields.filter(({ field }) => FIELD.test(field)).map(({ field }) => ({ field }))

/**
 * The answer to a guest whose request failed with an error: code, title and status of the catalogue, and
 * `Retry-After` (RFC 9110, section 10.2.3) if the time is known. It leaves out the message and the answer of
 * the upstream, which can name settings, addresses and other guests. Errors below 500 also have their reason
 * and the paths of wrong fields. Of the others, only the reason `guest` is shown: the guest must be
 * authenticated again.
 */
export function errorResponse(error: GuestpassError, now: Instant = errorTime(error) ?? clock.wall()): ProblemResponse {
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
 * Creates a function that calls `onError` with a `GuestpassError` and gives the answer to it; undefined for
 * other errors. `more`: names of further functions in the options of one framework. Throws `config_invalid`.
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
      // If onError fails, the guest still gets an answer.
    ;(async () => onError?.(thrown))().catch(() => {})
    return errorResponse(thrown)
  }
}
