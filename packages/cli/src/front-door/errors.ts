import { type ErrorCode, type Field, GuestpassError } from '@guestpass/core'
import {
  type Config,
  settingEntries,
  type Key,
  optionName,
  withMessage,
  settingName,
  withSettingNames,
} from '@guestpass/runtime'

/** Translates an error of a call for the program: settings under their options, and a remedy in terms of the front door. */
export type TranslateError = (thrown: unknown) => unknown

type Remedy = (error: GuestpassError) => string | undefined

const SUBJECT = "If the `sub` of the guest's tokens is not the guest's id, give it as `subject`."
const ISSUE_AGAIN = 'Issue the guest again with guests.issue.'
const SIGN_IN =
  'In a program that is signIn.begin and signIn.complete, or deviceSignIn.run; on the command line `guestpass login`.'

/** By code, in terms of the front door. The command line has its own in commands/runner/remedies.ts. To add one, add a line. */
const remedies: Readonly<Partial<Record<ErrorCode, Remedy>>> = {
  // What ends the sign-in of a guest is no sign-in of the connection.
  needs_reauth: ({ reason }) => (reason === 'guest' ? ISSUE_AGAIN : SIGN_IN),
  token_invalid: ({ reason }) => (reason === 'subject' ? SUBJECT : undefined),
  access_denied: ({ reason }) => (reason === 'sign_in' ? SIGN_IN : undefined),
  refresh_impossible: () => ISSUE_AGAIN,
  session_exists: () => "End it with guests.invalidate, or give onDuplicate: 'reuse' or 'replace'.",
  guest_unknown: () => 'List the known guests with guests.list; find, export and erase also take { email }.',
}

/**
 * Settings that the program gave as options, or would give: those that nothing else sets, where the connection is given by options or
 * takes nothing from the environment.
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

const VARIABLE = /\b((?:GENESYS|GUESTPASS)_[A-Z_]+|[A-Z]+_WEBHOOK_URL|CRM_BASE_URL|WEBHOOK_SECRET)(?:=(true|false))?/g

/** Replaces variables in a text by the options of their settings. */
const renamer = (options: ReadonlyMap<Key, string>): ((text: string) => string) => {
  const byVariable = new Map(
    settingEntries.flatMap(([key, { names }]) => names.map((name) => [name, options.get(key)] as const)),
  )
  return (text) =>
    text.replaceAll(VARIABLE, (all, variable: string, value?: string) => {
      const option = byVariable.get(variable)
      if (option === undefined) return all
      return value === undefined ? option : `${option}: ${value}`
    })
}

/** Creates the translator of the errors of a connection's calls. */
export function createErrorTranslator(config: Pick<Config, 'connection' | 'origins'>): TranslateError {
  const options = optionsOf(config)
  const renamed = renamer(options)
  const field = (fault: Field): Field => ({
    field: renamed(fault.field),
    message: renamed(fault.message),
    remedy: renamed(fault.remedy),
  })
  return (thrown) => {
    if (!(thrown instanceof GuestpassError)) return thrown
    const named = withSettingNames(thrown, (key) => options.get(key) ?? settingName(key, config.connection))
    const message = renamed(named.message)
    // A message that names a command already has its remedy.
    const remedy = /\bguestpass [a-z]/.test(message) ? undefined : remedies[thrown.code]?.(thrown)
    return withMessage(named, {
      message: remedy === undefined ? message : `${message} ${remedy}`,
      fields: named.fields?.map(field),
    })
  }
}
