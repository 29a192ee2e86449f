/** What a caller of a call that is not repeatable does after a lost answer, as errors say it. */
export const LOOK_FIRST = 'The upstream may have acted on it: look before asking again.'
