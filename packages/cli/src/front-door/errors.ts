import { GuestpassError } from '@guestpass/core'
import {
  type Config,
  type Key,
  explainedError,
  optionName,
  programRemedy,
  settingEntries,
  settingName,
  settingNamesIn,
  type SettingName,
} from '@guestpass/runtime'

/** Explains what calls of one connection report, in the names that its program uses. */
export interface ErrorTranslator {
  /** Names settings by their options, and adds the remedy. Gives anything but a GuestpassError as it is. */
  error(thrown: unknown): unknown
  /** Names settings in a message by their options. */
  text(message: string): string
  /** The name of a setting for the program; an option has backticks. */
  readonly nameOf: SettingName
}

/**
 * Settings that the program gave as options, or would give: those that nothing else sets, if the connection
 * is given by options or takes nothing from the environment.
 */
function optionsOf({ connection, origins }: Pick<Config, 'connection' | 'origins'>): ReadonlyMap<Key, string> {
  const given = Object.values(origins).some((from) => from?.origin === 'option' && from.name !== 'store')
  const isByOptions = given || connection !== 'default'
  return new Map(
    settingEntries.flatMap(([key]) => {
      const [option, origin = 'default'] = [optionName(key), origins[key]?.origin]
      const isOption = origin === 'option' || (isByOptions && origin === 'default')
      return option !== undefined && isOption ? [[key, option] as const] : []
    }),
  )
}

/** Creates the translator of the errors of a connection's calls. */
export function createErrorTranslator(config: Pick<Config, 'connection' | 'origins'>): ErrorTranslator {
  const options = optionsOf(config)
  const nameOf: SettingName = (key) => options.get(key) ?? settingName(key, config.connection)
  return {
    error: (thrown) => (thrown instanceof GuestpassError ? explainedError(thrown, nameOf, programRemedy) : thrown),
    text: (message) => settingNamesIn(message, nameOf),
    nameOf: (key) => (options.has(key) ? `\`${nameOf(key)}\`` : nameOf(key)),
  }
}
