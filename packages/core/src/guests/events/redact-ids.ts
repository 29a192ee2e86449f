import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { wholeWordPattern, escapedPattern } from '../../domain/pattern.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { foreignSubject } from '../../domain/token-subject.ts'

/** Every id of a guest, the `sub` of its tokens included. */
export const guestIds = (credential: GuestCredential): readonly (string | undefined)[] => [
  credential.id,
  guestIdOf(credential),
  credential.upstreamId,
  foreignSubject(credential),
]

/**
 * Replaces every id of a guest in an error by its subject, in whatever form the id is written. Events outlive
 * the guest and must know it by its subject only.
 */
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

/** Matches a text in any case, but not as part of a longer word: an id may be as short as one letter. */
const wholeWord = (text: string): RegExp => new RegExp(wholeWordPattern(escapedPattern(text)), 'giu')
