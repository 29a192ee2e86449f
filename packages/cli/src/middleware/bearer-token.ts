/** The token of a request; none, or several. An empty token counts as one, which is never valid. */
export type PresentedToken = { readonly token: string } | 'none' | 'several'

/** The scheme, in upper or lower case (RFC 9110, section 11.1), and the text after it. */
const BEARER = /^\s*bearer(?:[ \t]+(.*))?$/is

/**
 * Reads `Authorization: Bearer …` (RFC 6750, section 2.1); several headers are joined by commas. Another
 * scheme has no guest token.
 */
export function bearerToken(authorization: string | undefined): PresentedToken {
  const parts = authorization?.split(',') ?? []
  const found = parts.map((part) => BEARER.exec(part.trimEnd())).find((part) => part !== null)
  if (!found) return 'none'
  return parts.length > 1 ? 'several' : { token: found[1] ?? '' }
}

/** The parts of a Node request that `guestAuth` reads. */
export interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined }
  /** Names and values in turn, as received. Absent: `headers` alone are read. */
  readonly rawHeaders?: readonly string[] | undefined
}

/**
 * The `Authorization` header. Several are joined by commas, as Fetch does; Node itself keeps only the first
 * of them.
 */
export function authorizationHeader({ headers, rawHeaders = [] }: NodeRequest): string | undefined {
  const received = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization')
  return received.length > 1 ? received.join(', ') : headers.authorization
}
