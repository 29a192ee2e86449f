import type { ParameterHelp, ListedCommand } from './runner/command.ts'

/** Groups of commands, with what they are about. */
export const commandGroups: Readonly<Record<string, string>> = {
  connections: 'Show how connections get their access tokens',
  guest: 'Issue, authenticate, show, find, renew, revoke, export and erase guests',
  audit: 'Read, check and export the audit log',
  'api-keys': 'Make, show, rotate and revoke the keys that open the service',
  keys: 'Show and rotate the encryption keys of the store',
  webhooks: 'Send signed events to other systems, with retries',
}

const guestId: readonly ParameterHelp[] = [['<guest-id>', "the guest's id"]]
const endpointId: readonly ParameterHelp[] = [['<id>', "the endpoint's id, as `guestpass webhooks list` shows it"]]

const apiKeyId: readonly ParameterHelp[] = [['<id>', "the key's id, as `guestpass api-keys list` shows it"]]

/** What the program does if no command is named. */
export const nextSteps: ListedCommand = {
  name: 'guestpass',
  summary: 'Say what to do next in this folder',
  load: async () => (await import('./next-steps.ts')).nextStepsCommand,
}

/** Every command, in the order of the help. A command is loaded when a command line names it. */
export const commands: readonly ListedCommand[] = [
  {
    name: 'demo',
    summary: 'Run a sandbox and the jobs against it, then print a report; on a terminal it runs until Ctrl-C',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'sandbox',
    summary: 'Run a local Genesys Cloud until Ctrl-C; print a ready .env',
    load: async () => (await import('./sandbox.ts')).sandboxCommand,
  },
  {
    name: 'login',
    summary: 'Sign in a user; the connection then gets the access tokens of that user',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  {
    name: 'logout',
    summary: 'End the sign-in of a connection, here and upstream',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  {
    name: 'connections list',
    summary: 'List the connections of the store, and how each gets its access tokens',
    load: async () => (await import('./connections.ts')).connectionsListCommand,
  },
  {
    name: 'connections show',
    summary: 'Show how the connection gets its access tokens, never a token',
    arguments: [['[name]', 'the connection, as `guestpass connections list` shows it (default: that of --connection)']],
    load: async () => (await import('./connections.ts')).connectionsShowCommand,
  },
  {
    name: 'token',
    summary: 'Print an access token from the store; renew it if it is due',
    load: async () => (await import('./token.ts')).tokenCommand,
  },
  {
    name: 'guest issue',
    summary: 'Issue a guest token: request, verify and store it',
    load: async () => (await import('./guest-issue.ts')).guestIssueCommand,
  },
  {
    name: 'guest import',
    summary: 'Issue a guest for each row of a file within the rate limit; run it again to resume',
    arguments: [
      [
        '<file>',
        'a .csv file with the names of the columns in its first line, or an .ndjson file with an object on each line',
      ],
    ],
    load: async () => (await import('./guest-import.ts')).guestImportCommand,
  },
  {
    name: 'guest token',
    summary: "Print a guest's token that is valid now; renew it if it is due",
    arguments: guestId,
    load: async () => (await import('./guest-token.ts')).guestTokenCommand,
  },
  {
    name: 'guest refresh',
    summary: "Renew a guest's token now, exactly once; --token imports a token that is not in the store",
    arguments: guestId,
    load: async () => (await import('./guest-refresh.ts')).guestRefreshCommand,
  },
  {
    name: 'guest show',
    summary: 'Show what is stored of a guest, without its token',
    arguments: guestId,
    load: async () => (await import('./guest-records.ts')).guestShowCommand,
  },
  {
    name: 'guest list',
    summary: 'List the known guests, all or those of a status, API or channel, a page at a time',
    load: async () => (await import('./guest-list.ts')).guestListCommand,
  },
  {
    name: 'guest revoke',
    summary: 'Revoke a guest: verify refuses its tokens, and no further one is issued',
    arguments: guestId,
    load: async () => (await import('./guest-records.ts')).guestRevokeCommand,
  },
  {
    name: 'guest find',
    summary: 'Find the guests of an e-mail address, on all channels or one',
    load: async () => (await import('./guest-person.ts')).guestFindCommand,
  },
  {
    name: 'guest export',
    summary: 'Write everything that is stored of the person of an e-mail address, as JSON without tokens',
    load: async () => (await import('./guest-person.ts')).guestExportCommand,
  },
  {
    name: 'guest erase',
    summary: 'Erase a guest, or all of an e-mail address: revoke and delete personal data; print what remains',
    arguments: [['[guest-id]', "the guest's id; not with --email"]],
    load: async () => (await import('./guest-person.ts')).guestEraseCommand,
  },
  {
    name: 'guest invalidate',
    summary: 'End the session of an address on a channel, so that the address can have a new one',
    load: async () => (await import('./guest-records.ts')).guestInvalidateCommand,
  },
  {
    name: 'why',
    summary: 'Explain why a guest was asked again, refused, renewed or ended, from the audit log',
    arguments: [['[guest-id]', "the guest's id; not with --subject"]],
    load: async () => (await import('./why.ts')).whyCommand,
  },
  {
    name: 'keep',
    summary: 'Renew guest sessions before they expire, until Ctrl-C; several processes may run on one store',
    load: async () => (await import('./keep.ts')).keepCommand,
  },
  {
    name: 'serve',
    summary: 'Run the service: the jobs over HTTP, with the workers, until Ctrl-C; several may run on one store',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    name: 'api-keys list',
    summary: 'List the API keys of the store, without the keys: roles, group, last use',
    load: async () => (await import('./api-keys.ts')).apiKeysListCommand,
  },
  {
    name: 'api-keys create',
    summary: 'Make an API key and print it, once; the service takes it at once',
    load: async () => (await import('./api-keys.ts')).apiKeysCreateCommand,
  },
  {
    name: 'api-keys rotate',
    summary: 'Replace an API key by a new one with the same guests; with --overlap both work for a while',
    arguments: apiKeyId,
    load: async () => (await import('./api-keys.ts')).apiKeysRotateCommand,
  },
  {
    name: 'api-keys revoke',
    summary: 'Revoke an API key, at once or from a later time on',
    arguments: apiKeyId,
    load: async () => (await import('./api-keys.ts')).apiKeysRevokeCommand,
  },
  {
    name: 'verify',
    summary: 'Verify a guest token: signature, time, claims, revocation; exit code 4 if it is not valid',
    arguments: [['<token>', 'the token, or - to read it from standard input']],
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'audit tail',
    summary: 'Print the latest audit records, a line each, and new ones with -f',
    load: async () => (await import('./audit-tail.ts')).auditTailCommand,
  },
  {
    name: 'audit verify',
    summary: 'Check that the audit log, or an export of it, was not changed or cut off; exit code 4 if it was',
    arguments: [['[file]', 'an export in the format ndjson, or - for standard input (default: the log in the store)']],
    load: async () => (await import('./audit-verify.ts')).auditVerifyCommand,
  },
  {
    name: 'audit export',
    summary: 'Write the audit log, one JSON line for each record: ndjson for audit verify, ocsf for security systems',
    load: async () => (await import('./audit-export.ts')).auditExportCommand,
  },
  {
    name: 'audit archive',
    summary: 'Write old audit records to a file that audit verify accepts; --prune then removes them from the store',
    load: async () => (await import('./audit-archive.ts')).auditArchiveCommand,
  },
  {
    name: 'audit checkpoint',
    summary: 'Print a signed checkpoint of the audit log, one JSON line; kept elsewhere, it proves later changes',
    load: async () => (await import('./audit-checkpoint.ts')).auditCheckpointCommand,
  },
  {
    name: 'webhooks list',
    summary: 'List the webhook endpoints, with their waiting events and dead letters',
    load: async () => (await import('./webhook-endpoints.ts')).webhooksListCommand,
  },
  {
    name: 'webhooks add',
    summary: 'Add a webhook endpoint, which gets signed audit records from now on',
    arguments: [['<url>', 'an https:// address of a public host']],
    load: async () => (await import('./webhook-endpoints.ts')).webhooksAddCommand,
  },
  {
    name: 'webhooks remove',
    summary: 'Remove a webhook endpoint, and drop its waiting events',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksRemoveCommand,
  },
  {
    name: 'webhooks enable',
    summary: 'Enable a webhook endpoint that was disabled because it answered 410',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksEnableCommand,
  },
  {
    name: 'webhooks rotate',
    summary: 'Give a webhook endpoint a new secret; the previous one signs too until the next rotation',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksRotateCommand,
  },
  {
    name: 'webhooks test',
    summary: 'Send a test message to a webhook endpoint, and print the result',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksTestCommand,
  },
  {
    name: 'webhooks dead',
    summary: 'List the dead letters of a webhook endpoint: events that no try could deliver',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksDeadCommand,
  },
  {
    name: 'webhooks redeliver',
    summary: 'Send events to a webhook endpoint again: those of --event, else its dead letters and what waits',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksRedeliverCommand,
  },
  {
    name: 'backup',
    summary: 'Write a consistent copy of the store to a new file, while other processes use it, and check it',
    arguments: [['<file>', 'the backup, which must not exist']],
    load: async () => (await import('./backup.ts')).backupCommand,
  },
  {
    name: 'restore',
    summary: 'Replace the store by a backup, and keep it; no other process may use the store',
    arguments: [
      [
        '<file>',
        'a file that `guestpass backup` wrote; for PostgreSQL, after pg_restore, a list of erasures: what `audit tail --event GUEST_ERASED --since TIME --json` wrote before',
      ],
    ],
    load: async () => (await import('./restore.ts')).restoreCommand,
  },
  {
    name: 'move',
    summary:
      'Copy the store to another database, as from SQLite to PostgreSQL, and compare both; stop all processes first',
    load: async () => (await import('./move.ts')).moveCommand,
  },
  {
    name: 'keys list',
    summary: 'List the data keys of the store, without the keys: what wraps each, and how much it encrypted',
    load: async () => (await import('./keys.ts')).keysListCommand,
  },
  {
    name: 'keys rotate',
    summary:
      'Encrypt the store with a new data key, wrapped by the first key of GUESTPASS_ENCRYPTION_KEY, while it is in use',
    load: async () => (await import('./keys.ts')).keysRotateCommand,
  },
  {
    name: 'report',
    summary: 'Report what a connection did, from its stored events',
    load: async () => (await import('./report.ts')).reportCommand,
  },
  {
    name: 'doctor',
    summary: 'Check configuration, store, keys, OAuth client and clock, and print each problem',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'load',
    summary: 'Measure how many guests a second this machine and the upstream carry; leaves nothing in the store',
    load: async () => (await import('./load.ts')).loadCommand,
  },
  {
    name: 'completion',
    summary: 'Print a script that completes commands, options and values in a shell',
    arguments: [['<shell>', 'bash, zsh or fish']],
    load: async () => (await import('./completion.ts')).completionCommand({ groups: commandGroups, commands }),
  },
  {
    name: 'config',
    summary: 'Show all settings and where each comes from, secrets masked',
    load: async () => (await import('./config.ts')).configCommand,
  },
]
