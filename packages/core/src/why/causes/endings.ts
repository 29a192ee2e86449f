import { type CauseText, ONE_SESSION, RESTORED } from './cause-text.ts'

/** Causes of the end of a guest or of its token, and of a doubt about it. */
export const endingCauses = {
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
    rule: 'A guest is renewed in the background while a caller asked for it within `keepForMs`.',
    setting: { option: 'keepForMs', fallback: '24 h' },
    prevention: 'Ask for the token of the guest at least once within `keepForMs`.',
  },
  keeper_not_running: {
    happened: 'ended',
    why: 'The token ended while the guest was in use, and no process began to renew it.',
    rule: 'Guests are renewed in the background by `keeper()`. Without it, a token is renewed only when a caller asks for it.',
    prevention: 'Run `keeper()` in at least one process, supervised.',
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
  spent_after_restore: {
    happened: 'asked_again',
    why: 'The store was restored from a backup, and the refresh token of the backup had been used since.',
    rule: RESTORED,
    prevention: 'Back up more often: a refresh after the backup spends the refresh token that is in it.',
  },
  restored: {
    happened: 'in_doubt',
    why: 'The store was restored from a backup, so that the refresh token of the guest may be spent.',
    rule: RESTORED,
    prevention: 'Back up more often: a refresh after the backup spends the refresh token that is in it.',
  },
} as const satisfies Readonly<Record<string, CauseText>>
