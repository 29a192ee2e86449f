import type { Call } from './endpoint.ts'

/** Writes the X-Genesys-Request-Id of a create into the journal. It has no other effect. */
export function noteRequestId({ headers, note }: Call): void {
  const requestId = headers['x-genesys-request-id']
  if (typeof requestId === 'string') note({ requestId })
}
