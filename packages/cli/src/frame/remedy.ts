import { GuestpassError } from '@guestpass/core'

/** Only `guest refresh` is given tokens. */
const SUBJECT = "If the `sub` of the guest's tokens is not the guest's id, name it with --subject."

/** The command that mends an error, as a sentence: the library states facts, and knows no commands. */
export function remedyOf({ code, reason }: GuestpassError, connection = 'default'): string | undefined {
  if (code === 'token_invalid' && reason === 'subject') return SUBJECT
  if (code !== 'needs_reauth' || reason === 'guest') return undefined
  const login = `guestpass login${connection === 'default' ? '' : ` --connection ${connection}`}`
  return `The command is \`${login}\`, or \`${login} --device\` where this machine has no browser.`
}

/** The error with the command that mends it, where there is one. */
export function withRemedy(error: GuestpassError, connection?: string): GuestpassError {
  const remedy = remedyOf(error, connection)
  if (remedy === undefined) return error
  const { code, message, stack, ...facts } = error
  const next = new GuestpassError(code, `${message} ${remedy}`, { ...facts, cause: error.cause })
  if (stack !== undefined) next.stack = stack
  return next
}
