import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { wholeWordPattern, escapedPattern } from '../../domain/pattern.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { foreignSubject } from '../../domain/token-subject.ts'

/** Every id that a guest goes by, the `sub` of its tokens included. */
export const guestIds = (credential: GuestCredential): readonly (string | undefined)[] => [
  credential.id,
  guestIdOf(credential),
  credential.upstreamId,
  foreignSubject(credential),
]

/** The error as events may tell it: they outlive the guest and know it by its subject only, whatever ids it has and however they are written. */
export const redactIds = (
  error: GuestpassError,
  subject: string,
  ids: readonly (string | undefined)[],
): GuestpassError =>
  new GuestpassError(
    error.code,
    ids
      .filter((id) => id !== undefined)
      .flatMap((id) => [id, encodeURIComponent(id.toWellFormed()), JSON.stringify(id).slice(1, -1)])
      .sort((one, other) => other.length - one.length)
      .reduce((text, id) => text.replaceAll(wholeWord(id), subject), error.message),
    {
      ...(error.upstream ? { upstream: error.upstream } : {}),
      ...(error.reason === undefined ? {} : { reason: error.reason }),
    },
  )

/** The text itself, in any case, where it is no part of a longer word: an id may be as short as one letter. */
const wholeWord = (text: string): RegExp => new RegExp(wholeWordPattern(escapedPattern(text)), 'giu')
