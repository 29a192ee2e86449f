import type { Call } from './endpoint.ts'

/** Notes the id that a client gives a create, to find it again in logs. It changes nothing. */
export function noteRequestId({ headers, note }: Call): void {
  const requestId = headers['x-genesys-request-id']
  if (typeof requestId === 'string') note({ requestId })
}
