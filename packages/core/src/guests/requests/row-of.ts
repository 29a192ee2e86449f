import { namedRow } from '../../domain/guest-id.ts'
import { guestApis } from '../../upstream/guest-apis.ts'

/** The row of a guest: its id. An id that reads like a row of `namedRow` gets such a row, so that no two guests share one. */
export const rowOf = (api: string, guestId: string): string =>
  guestApis.some((one) => guestId.startsWith(namedRow(one, ''))) ? namedRow(api, guestId) : guestId
