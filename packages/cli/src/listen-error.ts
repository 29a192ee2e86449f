import { GuestpassError } from '@guestpass/core'

/** A host and a port, as `127.0.0.1:8080` or `[::1]:8080`. */
export const placeOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not listen there; choose a --port from 1024',
  EADDRNOTAVAIL: 'the address is not of this machine; choose another --host',
  ENOTFOUND: 'the name is not known; choose another --host',
  EAI_AGAIN: 'the name cannot be resolved; choose another --host',
}

/**
 * The error of a program that cannot listen, with the flag that changes it. Gives anything else as it is.
 *
 * @param of `taken`: why a port that is taken cannot be used, as a clause
 */
export function listenError(
  thrown: unknown,
  { what, place, taken }: { readonly what: string; readonly place: string; readonly taken: string },
): unknown {
  const { code = '' } = (thrown ?? {}) as NodeJS.ErrnoException
  const reason = code === 'EADDRINUSE' ? taken : reasons[code]
  if (reason === undefined) return thrown
  return new GuestpassError('port_unavailable', `${what} cannot listen on ${place}: ${reason}.`, { cause: thrown })
}
