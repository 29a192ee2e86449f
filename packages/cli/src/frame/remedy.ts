import { GuestpassError } from '@guestpass/core'

/** An error with the command that mends it, where there is one: the library states facts, and knows no commands. */
export function withRemedy(error: GuestpassError, connection = 'default'): GuestpassError {
  if (error.code !== 'needs_reauth' || error.reason === 'guest') return error
  const login = `guestpass login${connection === 'default' ? '' : ` --connection ${connection}`}`
  const remedy = `The command is \`${login}\`, or \`${login} --device\` where this machine has no browser.`
  const { code, message, stack, ...facts } = error
  const next = new GuestpassError(code, `${message} ${remedy}`, { ...facts, cause: error.cause })
  if (stack !== undefined) next.stack = stack
  return next
}
