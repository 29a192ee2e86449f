import { type CauseText, IMPORTED } from './cause-text.ts'

/** Causes of a token from outside that was refused. */
export const importCauses = {
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
    prevention: 'Give the token of this guest, or give its `sub` as `subject`.',
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
} as const satisfies Readonly<Record<string, CauseText>>
