/**
 * What happened to a guest. `issued`: it got its first token, or another one by a new request. `renewed`: its token was
 * replaced before or after its end. `failed`: a renewal failed while the token was valid. `refused`: a call for the
 * guest failed. `asked_again`: the person must authenticate again. `ended`: the guest has no valid token any more.
 * `pending`: a request has not ended. `unknown`: there are no records.
 */
export type Happened = 'issued' | 'renewed' | 'failed' | 'refused' | 'asked_again' | 'ended' | 'pending' | 'unknown'

/** How a cause is explained. Option names are in backticks, as in `ConnectionOptions`. */
export interface CauseText {
  readonly happened: Happened
  /** The cause, as a sentence. */
  readonly why: string
  /** The rule that applied, as a sentence. */
  readonly rule: string
  /** The option that decides, by its name in `ConnectionOptions` or `KeeperOptions`, and its default as text. */
  readonly setting?: { readonly option: string; readonly fallback: string }
  /** What would have prevented it, as a sentence. */
  readonly prevention: string
}

const NOTHING = 'Nothing needs to be prevented.'
const TO_ITS_END = 'A valid token is served to its end, and the renewal is repeated after a back-off.'
const VERIFIED = 'Every token is verified before it is stored. One that fails is thrown away.'
const IMPORTED =
  'A token from outside must be signed, be of the guest, have expired at most 300 s ago and not be older than the stored one.'
const ONE_SESSION = 'An address has one session on a channel.'

/** Every cause. */
export const causes = {
  first_token: {
    happened: 'issued',
    why: 'The guest was new.',
    rule: 'A request for a guest that is not stored issues its first token.',
    prevention: NOTHING,
  },
  asked: {
    happened: 'renewed',
    why: 'A caller asked for a new token, and the present one was not due.',
    rule: 'A request to issue or refresh makes a new token, whatever the age of the present one.',
    prevention: 'Ask for the token of the guest instead: it is renewed only if it is due.',
  },
  due: {
    happened: 'renewed',
    why: 'The token was due.',
    rule: 'A token is renewed from min(lifetime / 3, 5 min) before its end, and callers wait from min(lifetime / 6, 60 s).',
    setting: { option: 'windows', fallback: 'min(lifetime / 3, 5 min), min(lifetime / 6, 60 s)' },
    prevention: 'Request a longer duration, so that tokens are renewed less often.',
  },
  expired: {
    happened: 'renewed',
    why: 'The token had expired before it was renewed.',
    rule: 'A token that expired at most 300 s ago is refreshed. After that a new one is minted, if the API allows it.',
    setting: { option: 'keepForMs', fallback: '24 h' },
    prevention: 'Keep a keeper running, and ask for the token of the guest at least once within `keepForMs`.',
  },
  minted_after_refusal: {
    happened: 'renewed',
    why: 'The upstream would not refresh the token, so that a new one was minted.',
    rule: 'If the upstream cannot refresh a token, a new one is requested for the same guest id.',
    prevention: 'Look at the refusal in the records: the upstream may have ended the token.',
  },
  key_too_old: {
    happened: 'renewed',
    why: 'A refresh was begun more than 24 h before, and its end was not known.',
    rule: 'An Idempotency-Key is never sent when it is older than 24 h, because the refresh could take effect twice.',
    prevention: 'Keep a process running that repeats a refresh whose answer was lost.',
  },
  last_resort: {
    happened: 'renewed',
    why: 'The answer to a refresh was lost, and the refresh token was sent once more, when the token had ended.',
    rule: 'A refresh token that may be spent is sent again only after the token has ended, under a declared intent.',
    prevention: 'Nothing here: the connection to the upstream broke during a refresh.',
  },
  imported: {
    happened: 'renewed',
    why: 'A caller gave a token from outside, which was imported.',
    rule: IMPORTED,
    prevention: NOTHING,
  },
  authenticated: {
    happened: 'issued',
    why: 'A person was authenticated by address and consent.',
    rule: ONE_SESSION,
    prevention: NOTHING,
  },
  reused: {
    happened: 'issued',
    why: 'The address had a live session, and the request allowed to reuse it.',
    rule: 'With a verified address, a request may reuse the live session of the address and channel.',
    setting: { option: 'onDuplicate', fallback: 'reject' },
    prevention: 'Request with `onDuplicate: reject` or `onDuplicate: replace`.',
  },
  recovered: {
    happened: 'issued',
    why: 'The upstream had a session of the address, and the stored refresh token renewed it.',
    rule: 'If the upstream answers 409, the session is recovered by its stored refresh token, if the address is verified.',
    prevention: NOTHING,
  },
  revoked: {
    happened: 'ended',
    why: 'A caller revoked the guest.',
    rule: 'A revoked guest gets no further token, and verifiers deny its tokens.',
    prevention: 'Issue a new guest id: a revoked guest stays revoked.',
  },
  replaced: {
    happened: 'ended',
    why: 'A request for the same address replaced this guest by a new one.',
    rule: 'With a verified address and `onDuplicate: replace`, a request ends the former session of the address.',
    setting: { option: 'onDuplicate', fallback: 'reject' },
    prevention: 'Request with `onDuplicate: reuse`, which keeps the session.',
  },
  erased: {
    happened: 'ended',
    why: 'The guest was erased, and with it the link from its id to its records.',
    rule: 'An erased guest stays erased. Its records stay in the log under a random subject that leads to no guest.',
    prevention: 'Nothing: the erasure was asked for.',
  },
  invalidated: {
    happened: 'ended',
    why: 'A caller freed the address of the guest for another session.',
    rule: `${ONE_SESSION} An invalidation frees the address, and the token stays valid to its end.`,
    prevention: 'Request with `onDuplicate: reuse` in place of an invalidation.',
  },
  unused: {
    happened: 'ended',
    why: 'The token ended, and it was not renewed, because no caller had asked for the guest for a long time.',
    rule: 'A keeper renews a guest while a caller asked for it within `keepForMs`.',
    setting: { option: 'keepForMs', fallback: '24 h' },
    prevention: 'Ask for the token of the guest at least once within `keepForMs`.',
  },
  keeper_not_running: {
    happened: 'ended',
    why: 'The token ended while the guest was in use, and no process began to renew it.',
    rule: 'A keeper renews guests in the background. Without one, a token is renewed only when a caller asks for it.',
    prevention: 'Run a keeper in at least one process, supervised.',
  },
  not_renewable: {
    happened: 'asked_again',
    why: 'The token ended, and its API gave no refresh token.',
    rule: 'A guest of an API that gives no refresh token authenticates again when its token has ended.',
    prevention: 'Authenticate the guest again before the token ends.',
  },
  refresh_token_spent: {
    happened: 'asked_again',
    why: 'The upstream refused the refresh token: it was used, or its session has ended.',
    rule: 'A refused refresh token ends the session. The person authenticates again.',
    prevention: 'Use each guest from one store only: another store or program may have used the refresh token.',
  },
  sign_in_ended: {
    happened: 'refused',
    why: 'The sign-in of the connection has ended, so that there was no access token for the call.',
    rule: 'Every call for a guest needs an access token of the connection.',
    prevention: 'Sign in again, and keep a process running that renews the sign-in.',
  },
  rate_limited: {
    happened: 'refused',
    why: 'The upstream took no more requests: its rate limit was met.',
    rule: `Calls wait for the rate limit, and repeat after a 429 as the answer asks. ${TO_ITS_END}`,
    setting: { option: 'policy.limit', fallback: '300 requests a minute' },
    prevention: 'Set `policy.limit` to what the upstream allows, and spread the load.',
  },
  upstream_failing: {
    happened: 'refused',
    why: 'The upstream could not be reached, or answered with a server error.',
    rule: TO_ITS_END,
    setting: { option: 'policy.retry', fallback: '3 retries' },
    prevention: 'Nothing here: ask the operator of the upstream. Longer tokens bridge longer outages.',
  },
  circuit_open: {
    happened: 'refused',
    why: 'The upstream kept failing, so that the circuit breaker stopped calls for a while.',
    rule: 'The circuit breaker opens when half of at least 10 calls within 30 s failed.',
    setting: { option: 'policy.breaker', fallback: 'half of at least 10 calls within 30 s' },
    prevention: 'Nothing here: see the failures before it. Longer tokens bridge longer outages.',
  },
  client_rejected: {
    happened: 'refused',
    why: 'The upstream refused the id or the secret of the OAuth client.',
    rule: 'Every call for a guest needs an access token, for which the client names itself.',
    setting: { option: 'client.secret', fallback: 'none' },
    prevention: 'Set `client.id` and `client.secret` to those of the OAuth client, and change both sides together.',
  },
  access_rejected: {
    happened: 'refused',
    why: 'The API refused the access token.',
    rule: 'A refused access token is renewed once, and the call is repeated once.',
    prevention: 'Check that the API accepts tokens of this OAuth client and organisation.',
  },
  access_denied: {
    happened: 'refused',
    why: 'The upstream does not permit this call to the OAuth client.',
    rule: 'A 403 is final for the call.',
    setting: { option: 'scopes', fallback: 'those that the call needs' },
    prevention: 'Grant the OAuth client the role or permission that the message names.',
  },
  scope_missing: {
    happened: 'refused',
    why: 'The access token has not the scope that the call needs.',
    rule: 'A call for which a scope is missing is refused before it is sent.',
    setting: { option: 'scopes', fallback: 'those that the call needs' },
    prevention: 'Grant the OAuth client the scope that the message names.',
  },
  channel_unavailable: {
    happened: 'refused',
    why: 'The channel is unknown or disabled, or not permitted.',
    rule: 'The channel is checked before a guest is made.',
    setting: { option: 'preflight', fallback: 'before' },
    prevention: 'Enable the channel, or name another one.',
  },
  token_refused: {
    happened: 'refused',
    why: 'The upstream issued a token that does not verify.',
    rule: VERIFIED,
    setting: { option: 'publicKey', fallback: 'none, the key-set alone' },
    prevention: 'Check the keys, and the issuer, audience and organisation that are required of tokens.',
  },
  keys_unavailable: {
    happened: 'refused',
    why: 'The keys that verify tokens could not be fetched.',
    rule: `${VERIFIED} Known keys are used for 24 h in an outage.`,
    setting: { option: 'hosts.jwksUrl', fallback: 'that of the issuer or region' },
    prevention: 'Check `hosts.jwksUrl`, or set `publicKey`.',
  },
  import_expired: {
    happened: 'refused',
    why: 'The given token had expired more than 300 s before.',
    rule: IMPORTED,
    prevention: 'Refresh before the token ends, or issue a new token.',
  },
  import_superseded: {
    happened: 'refused',
    why: 'The given token is older than the stored one.',
    rule: IMPORTED,
    prevention: 'Take the stored token of the guest: a refresh had replaced the given one.',
  },
  import_subject: {
    happened: 'refused',
    why: 'The given token is of another guest.',
    rule: IMPORTED,
    prevention: 'Give the token of this guest, or name its `sub` as `subject`.',
  },
  import_revoked: {
    happened: 'refused',
    why: 'The given token was revoked.',
    rule: IMPORTED,
    prevention: 'Issue a new guest id: a revoked token is never valid again.',
  },
  import_invalid: {
    happened: 'refused',
    why: 'The given token is not valid.',
    rule: IMPORTED,
    prevention: 'Give a token that this organisation signed, unchanged and as a whole.',
  },
  answer_lost: {
    happened: 'refused',
    why: 'The answer to a refresh was lost, so that the refresh token may be spent.',
    rule: 'The token is served to its end. Then the refresh is tried once more, declared before.',
    prevention: 'Nothing here: the connection to the upstream broke during the refresh.',
  },
  process_ended: {
    happened: 'refused',
    why: 'A process ended while its refresh was under way, so that the refresh token may be spent.',
    rule: 'The token is served to its end. Then the refresh is tried once more, declared before.',
    prevention: 'Stop processes by SIGTERM, and give them time to end their renewals.',
  },
  upstream_rejected: {
    happened: 'refused',
    why: 'The upstream refused the request.',
    rule: 'A refusal with a 4xx is final for the call.',
    prevention: 'Change what the message names.',
  },
  upstream_garbled: {
    happened: 'refused',
    why: 'The upstream gave an answer that cannot be read.',
    rule: 'An answer is checked before use. What is garbled is not used.',
    prevention: 'Check the addresses of the upstream: a proxy or a gateway may answer in its place.',
  },
  deadline_exceeded: {
    happened: 'refused',
    why: 'The time for the call ran out.',
    rule: 'A call has a deadline for all its tries and waits.',
    setting: { option: 'policy.deadlineMs', fallback: '30 s' },
    prevention: 'Look at what the upstream took its time for, or allow the call more time.',
  },
  cancelled: {
    happened: 'refused',
    why: 'The caller cancelled the call.',
    rule: 'A cancelled call stores no token.',
    prevention: 'Nothing here: the caller gave up.',
  },
  refresh_impossible: {
    happened: 'refused',
    why: 'The upstream cannot refresh the token.',
    rule: 'If the upstream cannot refresh a token, a new one is requested for the same guest id.',
    prevention: 'Issue the guest again.',
  },
  attributes_failed: {
    happened: 'failed',
    why: 'The attributes of the guest could not be sent to the upstream.',
    rule: 'The token is not affected. The attributes are sent again in the background.',
    prevention: 'Look at the error in the records.',
  },
  crm_failed: {
    happened: 'failed',
    why: 'The CRM could not be asked for the profile of the guest.',
    rule: 'The token is not affected. The CRM is asked again in the background.',
    setting: { option: 'crmUrl', fallback: 'none' },
    prevention: 'Check `crmUrl`, and that the CRM answers.',
  },
  other_failure: {
    happened: 'refused',
    why: 'The call failed.',
    rule: TO_ITS_END,
    prevention: 'Do what the error in the records says.',
  },
  under_way: {
    happened: 'pending',
    why: 'A request for a token was recorded, and its end is not.',
    rule: 'The start of a request is recorded before it is sent, its end together with the token.',
    prevention:
      'Ask again: a process that lives records the end, and one that was killed leaves the request to the next.',
  },
  not_yet: {
    happened: 'unknown',
    why: 'The guest has no record from before that time.',
    rule: 'The first request for a guest begins its records.',
    prevention: 'Ask about a later time.',
  },
  no_records: {
    happened: 'unknown',
    why: 'The log has no record of the guest.',
    rule: 'Records are removed when they are older than the retention.',
    prevention: 'Look in an archive of the log.',
  },
} as const satisfies Readonly<Record<string, CauseText>>

/** The cause of what happened to a guest, as one word. */
export type Cause = keyof typeof causes
