/** What the cookie of a session holds. */
export interface SessionCookie {
  readonly connection: string
  /** The secret by which the session is found. */
  readonly secret: string
}

/** `__Host-`: the browser takes it over https only, and sends it to this host alone (RFC 6265bis). */
const nameOf = (isSecure: boolean): string => (isSecure ? '__Host-guestpass-session' : 'guestpass-session')

const attributes = (isSecure: boolean): string => `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`

/** Writes the cookie of a session. It ends with the browser, if the session does not end before. */
export const sessionCookie = ({ connection, secret }: SessionCookie, isSecure: boolean): string =>
  `${nameOf(isSecure)}=${encodeURIComponent(connection)}~${secret}; ${attributes(isSecure)}`

/** Writes the cookie that removes that of a session. */
export const endedSessionCookie = (isSecure: boolean): string =>
  `${nameOf(isSecure)}=; ${attributes(isSecure)}; Max-Age=0`

/** Reads the session from the cookies of a request. Undefined: it has none. */
export function sessionIn(cookies: string | undefined, isSecure: boolean): SessionCookie | undefined {
  const name = `${nameOf(isSecure)}=`
  const found = cookies?.split(';').find((one) => one.trim().startsWith(name))
  const [, connection, secret] = /^([\w.%-]{1,200})~([\w-]{43})$/.exec(found?.trim().slice(name.length) ?? '') ?? []
  return connection && secret ? { connection: decoded(connection), secret } : undefined
}

/** A cookie that this service did not write may hold anything. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
