import { GuestpassError } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'

/**
 * Checks the Host of requests to a listener on loopback. A page whose name was rebound to a loopback address sends
 * the name of its own host, and must not reach the service.
 */
export interface HostCheck {
  /** Throws `host_refused`. */
  check(host: string | undefined): void
}

/**
 * @param listening the address that the service listens on
 * @param publicUrl the address that callers use, whose host is allowed too
 */
export function createHostCheck(listening: string, publicUrl: string | undefined): HostCheck {
  if (!isLoopback(listening)) return { check() {} }
  const known = publicUrl === undefined ? undefined : new URL(publicUrl).host.toLowerCase()
  return {
    check(host) {
      if (host !== undefined && (host.toLowerCase() === known || isLoopback(nameIn(host)))) return
      throw new GuestpassError(
        'host_refused',
        'The service listens on loopback, and the request is for another host. Address it as 127.0.0.1 or localhost.',
      )
    },
  }
}

/** The name in a Host header, without its port: `[::1]:80` as `::1`. */
const nameIn = (host: string): string => {
  const [, literal] = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? []
  return literal ?? host.replace(/:\d*$/, '')
}
