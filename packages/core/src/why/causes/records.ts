import type { CauseText } from './cause-text.ts'

/** Causes where the records do not say how a request ended. */
export const recordCauses = {
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
    prevention: 'Look in an archive of the log, if one was made before the records were removed.',
  },
  access_token: {
    happened: 'unknown',
    why: "That subject is of the connection's access token, not of a guest.",
    rule: 'Records of guests and of access tokens have different subjects.',
    prevention: "Give the subject of a guest's record.",
  },
} as const satisfies Readonly<Record<string, CauseText>>
