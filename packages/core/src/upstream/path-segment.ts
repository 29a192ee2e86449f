import { GuestpassError } from '../domain/errors.ts'
import { changesPath } from '../domain/guest-id.ts'

/**
 * A text as one segment of the path of a URL, percent-encoded. Throws `invalid_input` for a text that would
 * name another resource there, encoded or not (RFC 3986, section 5.2.4).
 */
export function pathSegment(text: string): string {
  if (text.isWellFormed() && !changesPath(text)) return encodeURIComponent(text)
  const message = 'is no part of a path'
  const remedy = 'Give an id without . and .. between slashes.'
  throw new GuestpassError('invalid_input', `An id ${message}. Nothing was sent.`, {
    fields: [{ field: 'id', message, remedy }],
  })
}
