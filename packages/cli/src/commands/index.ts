import type { ParameterHelp, ListedCommand } from './runner/command.ts'

/** Groups of commands, with what they are about. */
export const commandGroups: Readonly<Record<string, string>> = {
  connections: 'Show how connections get their access tokens',
  guest: 'Issue, authenticate, show, renew, revoke and erase guests',
  audit: 'Read, check and export the audit log',
  keys: 'Show and rotate the keys that the store seals with',
  webhooks: 'Tell other systems what happens, signed and until they have it',
}

const guestId: readonly ParameterHelp[] = [['<guest-id>', "the guest's id"]]
const endpointId: readonly ParameterHelp[] = [['<id>', "the endpoint's id, as `guestpass webhooks list` shows it"]]

/** Every command, in the order of the help. A command is loaded when a command line names it. */
export const commands: readonly ListedCommand[] = [
  {
    name: 'demo',
    summary: 'Run a sandbox and the jobs against it, live, then report; on a terminal it stays up until Ctrl-C',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'sandbox',
    summary: 'Run a local Genesys Cloud until Ctrl-C; standard output is a ready .env',
    load: async () => (await import('./sandbox.ts')).sandboxCommand,
  },
  {
    name: 'login',
    summary: 'Sign in: the connection then gets its tokens for that user, and renews them',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  {
    name: 'logout',
    summary: 'End the sign-in of a connection, upstream and here',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  {
    name: 'connections list',
    summary: 'List the connections of the store and how each gets its access tokens',
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
    summary: "Print the service's own access token: from the store, renewed if due",
    load: async () => (await import('./token.ts')).tokenCommand,
  },
  {
    name: 'guest issue',
    summary: 'Issue a guest token: asked of Genesys, verified, stored',
    load: async () => (await import('./guest-issue.ts')).guestIssueCommand,
  },
  {
    name: 'guest import',
    summary: 'Issue a guest for each row of a file, at upstream’s pace; run it again to go on where it was cut short',
    arguments: [
      ['<file>', 'a .csv file whose first line names the columns, or an .ndjson file with an object on each line'],
    ],
    load: async () => (await import('./guest-import.ts')).guestImportCommand,
  },
  {
    name: 'guest token',
    summary: "Print a guest's token: valid now, renewed if due",
    arguments: guestId,
    load: async () => (await import('./guest-token.ts')).guestTokenCommand,
  },
  {
    name: 'guest refresh',
    summary: "Renew a guest's token now, exactly once; --token takes over one that is held elsewhere",
    arguments: guestId,
    load: async () => (await import('./guest-refresh.ts')).guestRefreshCommand,
  },
  {
    name: 'guest show',
    summary: 'Show what is known of a guest, never its token',
    arguments: guestId,
    load: async () => (await import('./guest-records.ts')).guestShowCommand,
  },
  {
    name: 'guest list',
    summary: 'List the known guests, a page at a time',
    load: async () => (await import('./guest-records.ts')).guestListCommand,
  },
  {
    name: 'guest revoke',
    summary: 'Revoke a guest: its tokens are refused by verify, and no other is issued',
    arguments: guestId,
    load: async () => (await import('./guest-records.ts')).guestRevokeCommand,
  },
  {
    name: 'guest erase',
    summary: 'Erase a guest: revoke it and destroy what is known of the person; says what remains elsewhere',
    arguments: guestId,
    load: async () => (await import('./guest-records.ts')).guestEraseCommand,
  },
  {
    name: 'guest invalidate',
    summary: 'Give up the session of an address on a channel, so that the address can have another',
    load: async () => (await import('./guest-records.ts')).guestInvalidateCommand,
  },
  {
    name: 'keep',
    summary: 'Keep live sessions renewed before they lapse, until Ctrl-C; several may run on one store',
    load: async () => (await import('./keep.ts')).keepCommand,
  },
  {
    name: 'verify',
    summary: 'Check a guest token: signature, time, claims, revocation; exit code 4 when it is not valid',
    arguments: [['<token>', 'the token, or - to read it from standard input']],
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'audit tail',
    summary: 'Print the latest audit records, one JSON line each (one document with --json)',
    load: async () => (await import('./audit-tail.ts')).auditTailCommand,
  },
  {
    name: 'audit verify',
    summary:
      'Check the audit log, or an export of it: nothing edited, removed, reordered or cut off; exit code 4 when it was',
    arguments: [
      ['[file]', 'an export in the format ndjson, or - for standard input; the log in the store when left out'],
    ],
    load: async () => (await import('./audit-verify.ts')).auditVerifyCommand,
  },
  {
    name: 'audit export',
    summary:
      'Write the audit log: ndjson proves itself (audit verify), ocsf is for security systems; one JSON line each',
    load: async () => (await import('./audit-export.ts')).auditExportCommand,
  },
  {
    name: 'audit checkpoint',
    summary:
      'Sign how the audit log ends now, as one JSON line; kept elsewhere, it shows later whether the log was cut off',
    load: async () => (await import('./audit-checkpoint.ts')).auditCheckpointCommand,
  },
  {
    name: 'webhooks list',
    summary: 'List the webhook endpoints, with what waits for them and what was given up',
    load: async () => (await import('./webhook-endpoints.ts')).webhooksListCommand,
  },
  {
    name: 'webhooks add',
    summary: 'Add a webhook endpoint; it is sent signed audit records from now on',
    arguments: [['<url>', 'an https:// address that leads to a public one']],
    load: async () => (await import('./webhook-endpoints.ts')).webhooksAddCommand,
  },
  {
    name: 'webhooks remove',
    summary: 'Remove a webhook endpoint, and forget what waits for it',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksRemoveCommand,
  },
  {
    name: 'webhooks enable',
    summary: 'Send to a webhook endpoint again that was disabled because it answered 410',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksEnableCommand,
  },
  {
    name: 'webhooks rotate',
    summary: 'Give a webhook endpoint a new secret; the one before it signs as well until the next time',
    arguments: endpointId,
    load: async () => (await import('./webhook-endpoints.ts')).webhooksRotateCommand,
  },
  {
    name: 'webhooks test',
    summary: 'Send a test message to a webhook endpoint, and say what came of it',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksTestCommand,
  },
  {
    name: 'webhooks dead',
    summary: 'List the events that a webhook endpoint did not take after all tries',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksDeadCommand,
  },
  {
    name: 'webhooks redeliver',
    summary: 'Send events to a webhook endpoint again: those named, else all that were given up',
    arguments: endpointId,
    load: async () => (await import('./webhook-deliveries.ts')).webhooksRedeliverCommand,
  },
  {
    name: 'keys list',
    summary: 'List the data keys of the store: what wraps each and what it has sealed, never a key',
    load: async () => (await import('./keys.ts')).keysListCommand,
  },
  {
    name: 'keys rotate',
    summary:
      'Seal the store with a new data key, wrapped by the first key of GUESTPASS_ENCRYPTION_KEY; no process need stop',
    load: async () => (await import('./keys.ts')).keysRotateCommand,
  },
  {
    name: 'report',
    summary: 'Report what a connection did, from its stored events',
    load: async () => (await import('./report.ts')).reportCommand,
  },
  {
    name: 'doctor',
    summary: 'Check configuration, store, keys, OAuth client and clock, and say what to mend',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'config',
    summary: 'Show the settings in force and where each comes from, secrets masked',
    load: async () => (await import('./config.ts')).configCommand,
  },
]
