import * as z from 'zod/mini'
import { isGuestId, NO_GUEST_ID } from '../domain/guest-id.ts'

/** An id that upstream gives: any text of 1 to 200 visible characters that does not change the path of a URL. */
export const upstreamId = z.string().check(z.refine(isGuestId, NO_GUEST_ID))
