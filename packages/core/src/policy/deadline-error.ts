import { causedBy, GuestpassError } from '../domain/errors.ts'

/** `deadline_exceeded`, with the failure that was met last as its cause; `then` says what the caller can do. */
export const deadlineError = (what: string, then: string, latest: GuestpassError | undefined): GuestpassError =>
  latest
    ? new GuestpassError('deadline_exceeded', `${what} The last failure: ${latest.message} ${then}`, causedBy(latest))
    : new GuestpassError('deadline_exceeded', `${what} ${then}`)
