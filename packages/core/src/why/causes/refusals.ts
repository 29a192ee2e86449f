import { type CauseText, ONE_SESSION } from './cause-text.ts'

const TO_ITS_END = 'A valid token is served to its end, and the renewal is repeated after a back-off.'
const LAST_RESORT =
  'The token is served to its end. Then the refresh is tried once more, which is recorded before it is sent.'
const VERIFIED = 'Every token is verified before it is stored. One that fails is thrown away.'

/** Causes of a call that failed. */
export const refusalCauses = {
  sign_in_ended: {
    happened: 'refused',
    why: 'The sign-in of the connection has ended, so that there was no access token for the call.',
    rule: 'Every call for a guest needs an access token of the connection.',
    prevention: 'Sign in again, and keep a process running that renews the sign-in.',
  },
  session_exists: {
    happened: 'refused',
    why: 'Another request for the address was refused, because this guest has its session.',
    rule: `${ONE_SESSION} A request that does not say otherwise is refused while the session lives.`,
    setting: { option: 'onDuplicate', fallback: 'reject' },
    prevention:
      'Request with a verified address and `onDuplicate: reuse` or `onDuplicate: replace`, or wait until the session ends.',
  },
  session_exists_upstream: {
    happened: 'refused',
    why: 'The upstream has a session of the address that this store could not take over.',
    rule: `${ONE_SESSION} Only the holder of its refresh token can renew it.`,
    setting: { option: 'onDuplicate', fallback: 'reject' },
    prevention:
      'Use each address from one store only. Wait until the session ends, or request with a verified address and `onDuplicate: reuse`.',
  },
  create_in_doubt: {
    happened: 'refused',
    why: 'The answer to the request for a guest was lost, so that the upstream may have made it.',
    rule: 'The request is not repeated blindly. The next one for the same address resumes it where the API permits that.',
    prevention: 'Nothing here: the connection to the upstream broke. Request again.',
  },
  guest_orphaned: {
    happened: 'refused',
    why: 'The upstream has, or may have, a guest of the address whose tokens did not reach this store.',
    rule: 'Such a guest cannot be renewed or ended from here. Its session ends upstream by itself.',
    prevention: 'Nothing here: wait until the session ends upstream, or ask its operator to end it.',
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
    rule: `A call is repeated up to 3 times. ${TO_ITS_END}`,
    setting: { option: 'policy.retry', fallback: '3 retries' },
    prevention: 'Nothing here: ask the operator of the upstream. Longer tokens bridge longer outages.',
  },
  circuit_open: {
    happened: 'refused',
    why: 'The upstream kept failing, so that the circuit breaker stopped calls for a while.',
    rule: 'The circuit breaker opens when half of at least 10 calls of one kind within 30 s failed, for all guests together.',
    setting: { option: 'policy.breaker', fallback: 'half of at least 10 calls within 30 s' },
    prevention: 'Nothing here: the failures before it say what went wrong. Longer tokens bridge longer outages.',
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
  answer_lost: {
    happened: 'refused',
    why: 'The answer to a refresh was lost, so that the refresh token may be spent.',
    rule: LAST_RESORT,
    prevention: 'Nothing here: the connection to the upstream broke during the refresh.',
  },
  process_ended: {
    happened: 'refused',
    why: 'A process ended while its refresh was under way, so that the refresh token may be spent.',
    rule: LAST_RESORT,
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
} as const satisfies Readonly<Record<string, CauseText>>
