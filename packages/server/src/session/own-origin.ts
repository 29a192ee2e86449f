import { GuestpassError } from '@guestpass/core'
import type { FastifyRequest } from 'fastify'

/** Whether requests come from pages of this service. */
export interface OwnOrigin {
  /** Whether browsers reach the service over https, so that cookies are `Secure`. */
  isSecure(request: Pick<FastifyRequest, 'protocol'>): boolean
  /**
   * Throws `origin_refused` for a request that a browser sent for a page of another origin. A request with neither
   * `Origin` nor `Sec-Fetch-Site` is of no browser.
   *
   * @param needsProof whether such a request is refused too, as one with a cookie that changes something
   */
  check(request: OriginOfRequest, needsProof: boolean): void
}

type OriginOfRequest = Pick<FastifyRequest, 'headers' | 'protocol' | 'host'>

/** @param publicUrl the address under which browsers reach the service. Default: that of the request */
export function createOwnOrigin(publicUrl: string | undefined): OwnOrigin {
  const known = publicUrl === undefined ? undefined : new URL(publicUrl).origin
  return {
    isSecure: ({ protocol }) => (known === undefined ? protocol === 'https' : known.startsWith('https:')),
    check({ headers, protocol, host }, needsProof) {
      const { origin, 'sec-fetch-site': site } = headers
      // `none`: the user opened the address.
      const isOwnSite = site === undefined || site === 'same-origin' || (site === 'none' && !needsProof)
      const isOwnOrigin = origin === undefined || origin === (known ?? `${protocol}://${host}`)
      const isProven = site !== undefined || origin !== undefined
      if (isOwnSite && isOwnOrigin && (isProven || !needsProof)) return
      throw new GuestpassError(
        'origin_refused',
        'The request carries the session of a browser, and is not from a page of this service.',
      )
    },
  }
}
