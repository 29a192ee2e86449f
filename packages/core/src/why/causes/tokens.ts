import { type CauseText, IMPORTED, ONE_SESSION, RESTORED } from './cause-text.ts'

const NOTHING = 'Nothing needs to be prevented.'

/** Causes of a token that a guest got. */
export const tokenCauses = {
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
    prevention: 'Keep `keeper()` running, and ask for the token of the guest at least once within `keepForMs`.',
  },
  key_gone: {
    happened: 'renewed',
    why: 'The key that signed the token is gone: the current keys refused the token.',
    rule: 'A stored token is verified with the current keys before it is served. One that they refuse is renewed at once.',
    prevention:
      'Nothing here: its issuer withdrew the key. An issuer that keeps a former key until its tokens end avoids it.',
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
  continued: {
    happened: 'renewed',
    why: 'An earlier refresh had brought no token, and this request finished it.',
    rule: 'A failed refresh is repeated with the same Idempotency-Key for 24 h, so that it takes effect once.',
    prevention: 'Nothing here: the records of the earlier refresh say what went wrong.',
  },
  last_resort: {
    happened: 'renewed',
    why: 'The answer to a refresh was lost, and the refresh token was sent once more, when the token had ended.',
    rule: 'A refresh token that may be spent is sent again only after the token has ended, which is recorded before it is sent.',
    prevention: 'Nothing here: the connection to the upstream broke during a refresh.',
  },
  last_resort_after_restore: {
    happened: 'renewed',
    why: 'The store was restored from a backup, and the refresh token of the backup was sent once the token had ended.',
    rule: RESTORED,
    prevention: 'Nothing here: the refresh token of the backup was not spent.',
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
} as const satisfies Readonly<Record<string, CauseText>>
