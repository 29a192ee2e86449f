import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The header by which a caller names its request, and by which the answer repeats the name. */
export const REQUEST_ID = 'x-request-id'

/** Gives the id of a request: that of the caller if it can be in logs and records, else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID]
  return typeof given === 'string' && /^[\w.:/-]{1,128}$/.test(given) ? given : randomUUID()
}
