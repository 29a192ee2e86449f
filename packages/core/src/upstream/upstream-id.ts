import { isGuestId, NO_GUEST_ID } from '../domain/guest-id.ts'
import { BodyFault, type Reader } from './body.ts'

/**
 * An id that upstream gives: any text of 1 to 200 visible characters that does not change the path of a URL.
 */
export const upstreamId: Reader<string> = (value) => {
  if (typeof value === 'string' && isGuestId(value)) return value
  throw new BodyFault(value === undefined ? 'missing' : NO_GUEST_ID)
}
