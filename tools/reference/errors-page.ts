import { errorCatalogue, type ErrorCode } from '../../packages/core/src/domain/errors.ts'

/** What to do about each error, as the page on errors says it. */
const remedies: Readonly<Record<ErrorCode, string>> = {
  invalid_input: 'Every fault is listed in `fields` with its remedy.',
  config_invalid:
    'Every fault is listed in `fields` with its remedy; `guestpass config` shows where each value came from. In a program: the options of a factory, each under its path, as `client.secret`.',
  api_not_public:
    'Address a gateway that offers the API (`GENESYS_API_BASE_URL`), or say that the platform host does (`GENESYS_GATEWAY=true`).',
  guest_unknown:
    'List the known guests with `guestpass guest list`. Check that connection and database are the right ones.',
  guest_revoked: 'Issue a token for a new guest id.',
  guest_orphaned:
    'Wait until the session expires upstream, or ask the operator of the upstream to end it. The message says what is known.',
  session_exists:
    'Use the session there is, `guestpass guest invalidate` it, or ask with `reuse` or `replace` for a verified address.',
  create_in_doubt:
    "`engagements`: ask again; the next request for the same address continues the create. `external-users`: look upstream, or ask for another guest with `onDoubt: 'create'` (`--create-again`).",
  channel_unavailable: 'The message says whether channel, scope or organisation is the cause.',
  connection_unknown: 'See `guestpass connections list`.',
  sign_in_refused:
    '`reason` says why: state, replayed, expired, browser, identity, upstream; or which value of the ID token was wrong: issuer, audience, azp, nonce, auth_time, at_hash, id_token. Begin a new sign-in.',
  sign_in_denied: 'The user declined. Begin a new sign-in when they agree.',
  webhook_unknown: 'See `guestpass webhooks list`.',
  webhook_failed: 'Delivery is retried on schedule. The message says what the endpoint answered.',
  webhook_invalid: 'Check the secret and the clock; messages older than five minutes are refused.',
  audit_broken: 'The message names the first record that does not fit; compare with an exported copy.',
  deadline_exceeded: 'Ask again; raise the deadline if the wait is expected.',
  cancelled: 'The caller aborted the request; ask again.',
  circuit_open:
    'Wait until `retryAt`; the message says what upstream last answered. Each process has its own circuit breaker; the back-off of a failed renewal is in the store.',
  upstream_busy: 'Wait until `retryAt`; lower the rate, or raise the limit with the operator of the upstream.',
  upstream_unavailable: 'Check address, network and proxy, or wait.',
  upstream_garbled: 'A proxy or a login page may answer in place of upstream. Check the address.',
  upstream_rejected: 'The message says why upstream refused.',
  client_rejected:
    "Check client id and secret, and that the region is the organisation's own. If a refresh was refused and the upstream does not say why, the sign-in may have ended: sign in again.",
  access_rejected:
    'New tokens are refused as well. Check the scopes and roles of the OAuth client or user, and the region.',
  access_denied: 'Give the OAuth client the scope or role that the message names.',
  scope_missing: 'Add the scope to the OAuth client, and to `GENESYS_SCOPES` where that is set.',
  refresh_impossible: 'Issue a token anew with `guestpass guest issue`.',
  token_invalid:
    '`reason` says why; ask the holder for a current token. [Middleware](middleware.md) answers 401 or 403.',
  in_doubt:
    'The message says what is known and what to do; `retryAt` says when the next try comes. Tokens that came and could not be stored are in `unsaved`.',
  needs_reauth:
    'Sign in again: `guestpass login`, or `guestpass login --device`. With the reason `guest`, authenticate the guest again.',
  token_refused: 'The token was thrown away; `reason` says why. Check the keys and the algorithm.',
  keys_unavailable: 'Check `GENESYS_JWKS_URL`, or give `GENESYS_PUBLIC_KEY`.',
  store_busy: 'Ask again; another process holds the store.',
  store_unavailable:
    'Check path, permissions and disk. With the reason `disk_full` or `disk_failing` it is retryable: make room.',
  store_wrong_key: 'Give the key that sealed it in `GUESTPASS_ENCRYPTION_KEY`; it takes several, separated by commas.',
  store_corrupt: 'Restore a copy; the file was left as it is.',
  store_newer: 'Use the version that wrote it, or a newer one; the file was left as it is.',
  import_running: 'Wait for the other import to end, then run it again: rows that are done are skipped.',
  output_failed: 'The message names the file or stream and the cause (a full disk, a quota); make room and ask again.',
  port_unavailable: 'Choose another port with `--port`, or stop the program that has it.',
  api_key_invalid: 'Send `Authorization: Bearer KEY` with a key that `guestpass api-keys list` shows as active.',
  api_key_unknown: 'See `guestpass api-keys list`.',
  role_missing:
    'The message names the roles that may do it; make a key with one of them by `guestpass api-keys create`.',
  quota_exceeded: 'Wait until `retryAt`; raise the quota of the key.',
  idempotency_key_reused: 'Send a new Idempotency-Key with each new request, and the same one only with the same body.',
  request_in_progress: 'Wait until `retryAt`, then send the same request with the same Idempotency-Key.',
  route_unknown: 'See `/openapi.json` of the service for its routes.',
  method_not_allowed: 'Send one of the methods that the header `allow` names.',
  body_too_large: 'Send a smaller body; the message names the limit.',
  media_type_unsupported: 'Send JSON with `content-type: application/json`.',
  host_refused:
    'Address the service by the name or address that it listens on, or set `GUESTPASS_PUBLIC_URL` to the address that its callers use.',
  origin_refused: 'Send the request from a page of the service, or with an API key in its header.',
  service_busy: 'Wait until `retryAt`, then ask again.',
  internal: 'Report it with the message.',
}

const columns = ['code', 'meaning', 'HTTP status', 'exit code', 'retryable', 'what to do']
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`

/** docs/errors.md, from the catalogue of errors. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { title, status, exit, retryable }]) =>
    row([`\`${code}\``, title, String(status), String(exit), retryable ? 'yes' : 'no', remedies[code as ErrorCode]]),
  )
  return `# Find out what an error means

Every error is a \`GuestpassError\` with a \`code\` from this closed list. Match on the code: messages may change.
The service answers problem documents (RFC 9457) with the same codes. The command ends with the exit code
that is given here. The sandbox is a tool for tests: for wrong options and arguments it throws a \`TypeError\`.

${row(columns)}${row(columns.map(() => '---'))}${rows.join('')}
Retryable means that the same request may succeed later with nothing changed.

This page is generated from the catalogue of errors by \`npm run docs:pages\`.
`
}
