import type { GuestpassError } from '@guestpass/core'
import { commandRemedy, explainedError, settingName, withSettingNames } from '@guestpass/runtime'

/**
 * The error with settings as a user of the command line names them, without a command. `connection`: default
 * `default`.
 */
export const withVariables = (error: GuestpassError, connection = 'default'): GuestpassError =>
  withSettingNames(error, (key) => settingName(key, connection))

/** The same, and with the command that helps, if there is one. */
export const withRemedy = (error: GuestpassError, connection = 'default'): GuestpassError =>
  explainedError(
    error,
    (key) => settingName(key, connection),
    (one) => commandRemedy(one, connection),
  )
