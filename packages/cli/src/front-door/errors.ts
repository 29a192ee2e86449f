import { type Field, GuestpassError } from '@guestpass/core'
import { type Config, entries, optionOf } from '@guestpass/runtime'

/** How an error of a call is said to a program: settings under the names that it gave them, and what mends it. */
export type InProgram = (thrown: unknown) => unknown

/** What ends the sign-in of a guest is no sign-in of the connection. */
const OF_GUEST = 'guest'
const SIGN_IN =
  'In a program that is signIn.begin and signIn.complete, or deviceSignIn.run; on the command line `guestpass login`.'
const SUBJECT = "If the `sub` of the guest's tokens is not the guest's id, give it as `subject`."

function remedyOf({ code, reason }: GuestpassError): string {
  if (code === 'token_invalid' && reason === 'subject') return ` ${SUBJECT}`
  return code === 'needs_reauth' && reason !== OF_GUEST ? ` ${SIGN_IN}` : ''
}

/**
 * Variables and the options in their place, of settings that the program gave as options, or would: those that nothing else sets, where the
 * connection is given by options or takes nothing from the environment.
 */
function optionsByVariable({
  connection,
  origins,
}: Pick<Config, 'connection' | 'origins'>): ReadonlyMap<string, string> {
  const given = Object.values(origins).some((from) => from?.origin === 'option' && from.name !== 'store')
  const isByOptions = given || connection !== 'default'
  return new Map(
    entries.flatMap(([key, { names }]) => {
      const [option, origin = 'default'] = [optionOf(key), origins[key]?.origin]
      const isOption = origin === 'option' || (isByOptions && origin === 'default')
      return option !== undefined && isOption ? names.map((name) => [name, option] as const) : []
    }),
  )
}

const VARIABLE = /\b((?:GENESYS|GUESTPASS)_[A-Z_]+|[A-Z]+_WEBHOOK_URL|CRM_BASE_URL|WEBHOOK_SECRET)(?:=(true|false))?/g

/** Says the errors of a connection's calls as its program gave it. */
export function inProgram(config: Pick<Config, 'connection' | 'origins'>): InProgram {
  const options = optionsByVariable(config)
  const renamed = (text: string): string =>
    text.replaceAll(VARIABLE, (all, variable: string, value?: string) => {
      const option = options.get(variable)
      if (option === undefined) return all
      return value === undefined ? option : `${option}: ${value}`
    })
  const field = (fault: Field): Field => ({
    field: renamed(fault.field),
    message: renamed(fault.message),
    remedy: renamed(fault.remedy),
  })
  return (thrown) => {
    if (!(thrown instanceof GuestpassError)) return thrown
    const { code, message, stack, fields, ...facts } = thrown
    const said = renamed(message) + remedyOf(thrown)
    const faults = fields?.map(field)
    if (said === message && JSON.stringify(faults) === JSON.stringify(fields)) return thrown
    const next = new GuestpassError(code, said, {
      ...facts,
      ...(faults ? { fields: faults } : {}),
      cause: thrown.cause,
    })
    // Where it happened, under the message that is now said.
    if (stack !== undefined) next.stack = stack.replace(message, () => said)
    return next
  }
}
