import type { ErrorCode, GuestpassError } from '@guestpass/core'
import { type SettingName, withMessage, withSettingNames } from './config/core-options.ts'

/*
 * The core library states facts: it knows neither commands nor variables. Here the command line, the front door and
 * the service add what a user can do about an error. The error then names settings as its reader does, and ends with
 * the remedy for its code and reason.
 */

/** Writes a command for the connection of the error. */
type WriteCommand = (words: string) => string

/** What a user can do about an error: on the command line, in a program that opened `guestpass()`, and as a caller of the service. */
interface Remedy {
  readonly code: ErrorCode
  /** The remedy is for this reason only. Default: every reason. */
  readonly reason?: string
  /** The remedy is for answers of the upstream only. Default: for errors of this process, too. */
  readonly isUpstream?: true
  /** The remedy is for messages that name this member of a request. Default: for every message. */
  readonly member?: string
  /** The remedy is for messages that fit. Default: for every message. */
  readonly says?: RegExp
  readonly onCommandLine?: (command: WriteCommand) => string
  readonly inProgram?: string
  /** For callers of the service. */
  readonly inService?: string
}

const issueAgain = {
  onCommandLine: (command) => `Issue the guest again with \`${command('guest issue')}\`.`,
  inProgram: 'Issue the guest again with guests.issue.',
  inService: 'Issue the guest again with POST /v1/guests.',
} as const satisfies Omit<Remedy, 'code'>

const takeSession = {
  onCommandLine: () =>
    'If the address is verified, give --assurance verified and --on-duplicate reuse, or --on-duplicate replace.',
  inProgram: "If the address is verified, give assurance: 'verified' and onDuplicate: 'reuse' or 'replace'.",
  inService: 'If the address is verified, send "assurance": "verified" and "onDuplicate": "reuse" or "replace".',
} as const satisfies Omit<Remedy, 'code'>

const UNTIL_IT_ENDS = 'the upstream may refuse a second session until the present one ends.'

/** A connection that was refused on this machine: mostly that of a sandbox that has ended. */
const startSandbox = {
  says: /ECONNREFUSED (?:127\.|::1|localhost)/,
  onCommandLine: () =>
    'Nothing listens there. If it was the sandbox, start it again: `guestpass sandbox --env .env`. Restart your program too: the sandbox has a new address, client and keys.',
  inProgram:
    'Nothing listens there. If it was the sandbox, start it again, and restart this program: the sandbox has a new address, client and keys.',
} as const satisfies Omit<Remedy, 'code'>

/** The message names the setting. */
const ASK_LESS = 'Correct that setting, or leave it unset: each call then asks for the scopes that it needs.'

const signInService = 'An operator signs in with POST /v1/connections/NAME/login.'

const signInProgram =
  'In a program, sign in with signIn.begin and signIn.complete, or with deviceSignIn.run; on the command line, with `guestpass login`.'

/** What to do where a command reads a store that is not made yet. `hasUpstream`: an upstream is configured. */
export const noStoreRemedy = (hasUpstream: boolean): string =>
  `The first token or guest makes it: ${hasUpstream ? '' : '`guestpass sandbox --env .env`, then in a second terminal '}\`guestpass guest issue\`. To read another store, give --database.`

/** Every remedy. Of several for one code, the first that fits the error counts. To add one, add an entry. */
const remedies: readonly Remedy[] = [
  { code: 'needs_reauth', reason: 'guest', ...issueAgain },
  {
    code: 'needs_reauth',
    onCommandLine: (command) =>
      `The command is \`${command('login')}\`, or \`${command('login --device')}\` if this machine has no browser.`,
    inProgram: signInProgram,
    inService: signInService,
  },
  {
    code: 'client_rejected',
    onCommandLine: (command) =>
      `\`${command('config')}\` shows each value and its origin, \`${command('doctor')}\` tries them.`,
  },
  {
    code: 'access_denied',
    reason: 'sign_in',
    onCommandLine: (command) => `Sign in with \`${command('login')}\`.`,
    inProgram: signInProgram,
    inService: signInService,
  },
  {
    code: 'scope_missing',
    says: /does not grant the scopes asked for/,
    onCommandLine: () => ASK_LESS,
    inProgram: ASK_LESS,
  },
  {
    code: 'scope_missing',
    onCommandLine: (command) => `If a user is signed in, sign in again with \`${command('login')}\`.`,
    inProgram: 'If a user is signed in, the user must sign in again to grant it.',
  },
  {
    code: 'token_invalid',
    reason: 'subject',
    onCommandLine: () => "If the `sub` of the guest's tokens is not the guest's id, name it with --subject.",
    inProgram: "If the `sub` of the guest's tokens is not the guest's id, give it as `subject`.",
  },
  { code: 'token_invalid', reason: 'expired', onCommandLine: issueAgain.onCommandLine },
  { code: 'refresh_impossible', ...issueAgain },
  { code: 'session_exists', isUpstream: true, ...takeSession },
  {
    code: 'session_exists',
    says: /has a guest of external-users/,
    onCommandLine: (command) =>
      `${takeSession.onCommandLine()} Or \`${command('guest invalidate --email ADDRESS --api external-users')}\` frees the address here; ${UNTIL_IT_ENDS}`,
    inProgram: `${takeSession.inProgram} Or guests.invalidate({ api: 'external-users', email }) frees the address here; ${UNTIL_IT_ENDS}`,
  },
  {
    code: 'session_exists',
    onCommandLine: (command) =>
      `${takeSession.onCommandLine()} Or \`${command('guest invalidate --email ADDRESS --channel CHANNEL')}\` frees the address here; ${UNTIL_IT_ENDS}`,
    inProgram: `${takeSession.inProgram} Or guests.invalidate frees the address here; ${UNTIL_IT_ENDS}`,
  },
  {
    code: 'create_in_doubt',
    member: 'onDoubt',
    onCommandLine: () => 'On the command line, --create-again does so.',
  },
  {
    code: 'guest_unknown',
    says: /of the given API\. There is a guest of this id, of the API/,
    onCommandLine: () => 'Leave out --api, or give --api with that API.',
    inProgram: 'Leave out `api`, or give that API.',
  },
  {
    code: 'guest_unknown',
    says: /looks like an address/,
    onCommandLine: (command) =>
      `Find the guests of an address with \`${command('guest find --email ADDRESS')}\`, and give the id of one.`,
    inProgram: 'To find, export or erase the guests of an address, give { email }.',
  },
  {
    code: 'guest_unknown',
    says: /subject of its records only/,
    onCommandLine: (command) =>
      `\`${command('audit tail --event TOKEN_FAILED')}\` prints the subject; \`${command('why --subject SUBJECT')}\` explains it. List the known guests with \`${command('guest list')}\`. Each folder has a store of its own: give --database, or run the command where the guest was issued.`,
    inProgram:
      "List the known guests with guests.list. Listeners of gp.on('tokenFailed') get the subject: guests.why({ subject }).",
  },
  {
    code: 'guest_unknown',
    onCommandLine: (command) =>
      `List the known guests with \`${command('guest list')}\`. Each folder has a store of its own: give --database, or run the command where the guest was issued.`,
    inProgram: 'List the known guests with guests.list; find, export and erase also take { email }.',
    inService: 'GET /v1/guests lists the guests of this key.',
  },
  {
    code: 'connection_unknown',
    inService: 'GET /v1/connections shows the connection of this key.',
    onCommandLine: () => 'List the known connections with `guestpass connections list`; check --database.',
  },
  {
    code: 'webhook_unknown',
    inService: 'GET /v1/webhooks lists the endpoints.',
    onCommandLine: (command) => `List the endpoints with \`${command('webhooks list')}\`.`,
  },
  {
    code: 'api_key_unknown',
    inService: 'GET /v1/api-keys lists the keys.',
    onCommandLine: (command) => `List the keys with \`${command('api-keys list')}\`.`,
  },
  {
    code: 'webhook_failed',
    reason: 'disabled',
    inService: 'Enable it with PATCH /v1/webhooks/ID.',
    onCommandLine: (command) => `Enable it with \`${command('webhooks enable ID')}\`.`,
  },
  { code: 'upstream_unavailable', ...startSandbox },
  { code: 'keys_unavailable', ...startSandbox },
  { code: 'deadline_exceeded', ...startSandbox },
  {
    code: 'audit_broken',
    onCommandLine: (command) => `Find the first record that was changed with \`${command('audit verify')}\`.`,
  },
]

const isFor = (remedy: Remedy, { code, reason, upstream, message }: GuestpassError): boolean =>
  remedy.code === code &&
  (remedy.reason === undefined || remedy.reason === reason) &&
  (!remedy.isUpstream || upstream !== undefined) &&
  (remedy.member === undefined || message.includes(`\`${remedy.member}`)) &&
  (remedy.says === undefined || remedy.says.test(message))

const remedyFor = (error: GuestpassError): Remedy | undefined => remedies.find((one) => isFor(one, error))

/** Writes a command for a connection: `login` as `guestpass login --connection emea`. */
export const commandFor = (connection: string, words: string): string =>
  `guestpass ${words}${connection === 'default' ? '' : ` --connection ${connection}`}`

/**
 * Gives the remedy of an error for a user of the command line: a sentence that names a command or flag.
 * Undefined if there is none. `connection`: the name of the connection, for the command. Default `default`.
 */
export const commandRemedy = (error: GuestpassError, connection = 'default'): string | undefined =>
  remedyFor(error)?.onCommandLine?.((words) => commandFor(connection, words))

/** Gives the remedy of an error for a caller of the service: a sentence that names a route. Undefined if there is none. */
export const serviceRemedy = (error: GuestpassError): string | undefined => remedyFor(error)?.inService

/** Gives the remedy of an error for a program: a sentence that names a call. Undefined if there is none. */
export const programRemedy = (error: GuestpassError): string | undefined => remedyFor(error)?.inProgram

/**
 * Makes an error ready to show: the message names settings as the user knows them, and ends with the remedy. A
 * message that already names a command gets no remedy.
 *
 * @param nameOf the name of a setting for this user
 * @param remedyOf `commandRemedy`, `programRemedy` or `serviceRemedy`
 */
export function explainedError(
  error: GuestpassError,
  nameOf: SettingName,
  remedyOf: (error: GuestpassError) => string | undefined,
): GuestpassError {
  const named = withSettingNames(error, nameOf)
  // A message that names a command, as those of commands do, has its remedy.
  const remedy = /\bguestpass [a-z]/.test(named.message) ? undefined : remedyOf(error)
  if (remedy === undefined) return named
  return withMessage(named, { message: `${named.message.replace(/ Authenticate the guest again\.$/, '')} ${remedy}` })
}
