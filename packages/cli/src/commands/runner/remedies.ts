import type { ErrorCode, GuestpassError } from '@guestpass/core'
import {
  commandRemedy,
  type Contradiction,
  explainedError,
  settingName,
  withMessage,
  withSettingNames,
} from '@guestpass/runtime'
import { staleEnvironment } from '../../stale-environment.ts'

/**
 * The error with settings as a user of the command line names them, without a command. `connection`: default
 * `default`.
 */
export const withVariables = (error: GuestpassError, connection = 'default'): GuestpassError =>
  withSettingNames(error, (key) => settingName(key, connection))

/** Errors that the values of an old terminal cause: nothing listens at its address, or its client is unknown. */
const staleCodes: ReadonlySet<ErrorCode> = new Set([
  'upstream_unavailable',
  'keys_unavailable',
  'deadline_exceeded',
  'client_rejected',
])

/**
 * The same, and with the command that helps, if there is one. `contradictions`: those of the configuration.
 * Default none.
 */
export function withRemedy(
  error: GuestpassError,
  connection = 'default',
  contradictions: readonly Contradiction[] = [],
): GuestpassError {
  const explained = explainedError(
    error,
    (key) => settingName(key, connection),
    (one) => commandRemedy(one, connection),
  )
  const stale = staleCodes.has(error.code) ? staleEnvironment(contradictions) : undefined
  return stale === undefined ? explained : withMessage(explained, { message: `${explained.message} ${stale}.` })
}
