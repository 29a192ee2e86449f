import type { ErrorCode, GuestpassError } from '@guestpass/core'
import { withMessage, settingName, withSettingNames } from '@guestpass/runtime'

/*
 * The core library states facts, and knows neither commands nor variables. What a user of the command line does about an error is here:
 * options that core names in backticks (`client.secret`) become the variables that set them, and a sentence that names the command follows
 * by the error's code and reason.
 */

type Remedy = (error: GuestpassError, connection: string) => string | undefined

/** Only `guest refresh` is given tokens. */
const SUBJECT = "If the `sub` of the guest's tokens is not the guest's id, name it with --subject."

/** A command for this connection. */
const command = (words: string, connection: string): string =>
  `guestpass ${words}${connection === 'default' ? '' : ` --connection ${connection}`}`

const issueAgain: Remedy = (_error, connection) =>
  `Issue the guest again with \`${command('guest issue', connection)}\`.`

const signIn: Remedy = (_error, connection) => {
  const login = command('login', connection)
  return `The command is \`${login}\`, or \`${login} --device\` where this machine has no browser.`
}

/** By code. To add one, add a line. */
const remedies: Readonly<Partial<Record<ErrorCode, Remedy>>> = {
  needs_reauth: (error, connection) => (error.reason === 'guest' ? issueAgain : signIn)(error, connection),
  token_invalid: ({ reason }) => (reason === 'subject' ? SUBJECT : undefined),
  access_denied: (error, connection) =>
    error.reason === 'sign_in' ? `Sign in with \`${command('login', connection)}\`.` : undefined,
  scope_missing: (_error, connection) =>
    `Where a user is signed in, sign in again with \`${command('login', connection)}\`.`,
  refresh_impossible: issueAgain,
  session_exists: (_error, connection) =>
    `End it with \`${command('guest invalidate', connection)}\`, or give --on-duplicate reuse or --on-duplicate replace.`,
  guest_unknown: (_error, connection) =>
    `List the known guests with \`${command('guest list', connection)}\`; check --database and --connection.`,
  connection_unknown: () => 'List the known connections with `guestpass connections list`; check --database.',
  webhook_unknown: (_error, connection) => `List the endpoints with \`${command('webhooks list', connection)}\`.`,
  webhook_failed: ({ reason }, connection) =>
    reason === 'disabled' ? `Enable it with \`${command('webhooks enable', connection)}\`.` : undefined,
  audit_broken: (_error, connection) =>
    `Find the first record that was changed with \`${command('audit verify', connection)}\`.`,
}

/** The sentence that names the command which mends an error; undefined where none does. */
export const remedyOf = (error: GuestpassError, connection = 'default'): string | undefined =>
  remedies[error.code]?.(error, connection)

/** The error with settings as a user of the command line calls them, without a command. */
export const withVariables = (error: GuestpassError, connection = 'default'): GuestpassError =>
  withSettingNames(error, (key) => settingName(key, connection))

/** The error with settings as a user of the command line calls them, and the command that mends it, where there is one. */
export function withRemedy(error: GuestpassError, connection?: string): GuestpassError {
  const named = withVariables(error, connection)
  // A message that names a command already, as those of commands do, needs no other one.
  const remedy = /\bguestpass [a-z]/.test(named.message) ? undefined : remedyOf(error, connection)
  return remedy === undefined ? named : withMessage(named, { message: `${named.message} ${remedy}` })
}
