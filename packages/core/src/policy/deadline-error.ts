import { causedBy, GuestpassError } from '../domain/errors.ts'

/**
 * The error of a call that was not done in time, `deadline_exceeded`.
 *
 * @param what the first sentence: what was not done
 * @param then the last sentence: what the caller can do
 * @param latest the failure of the latest try, its cause
 */
export const deadlineError = (what: string, then: string, latest: GuestpassError | undefined): GuestpassError =>
  latest
    ? new GuestpassError('deadline_exceeded', `${what} The last failure: ${latest.message} ${then}`, causedBy(latest))
    : new GuestpassError('deadline_exceeded', `${what} ${then}`)
