import { randomBytes } from 'node:crypto'

/** What binds a sign-in to the browser that began it. */
export interface BrowserBinding {
  readonly connection: string
  readonly actor: string
  /** A secret that only this browser has. */
  readonly secret: string
}

/** How long the cookie lasts, in seconds: as long as a sign-in that was begun. */
const MAX_AGE = 600

/** `__Host-`: the browser takes it over https only, and sends it to this host alone (RFC 6265bis). */
const nameOf = (isSecure: boolean): string => (isSecure ? '__Host-guestpass-sign-in' : 'guestpass-sign-in')

/** Makes the binding of a browser. */
export const newBinding = (connection: string, actor: string): BrowserBinding => ({
  connection,
  actor,
  secret: randomBytes(32).toString('base64url'),
})

/** Writes the cookie of a binding. It is sent with the redirect from the upstream, which is a top-level navigation. */
export function bindingCookie({ connection, actor, secret }: BrowserBinding, isSecure: boolean): string {
  const value = [connection, actor, secret].map((part) => encodeURIComponent(part)).join('~')
  const secure = isSecure ? '; Secure' : ''
  return `${nameOf(isSecure)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${MAX_AGE}${secure}`
}

/** Reads the binding of a browser from its cookies. Undefined: it has none. */
export function bindingIn(cookies: string | undefined, isSecure: boolean): BrowserBinding | undefined {
  const name = `${nameOf(isSecure)}=`
  const found = cookies
    ?.split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(name))
  const parts = found?.slice(name.length).split('~').map(decoded)
  const [connection, actor, secret] = parts ?? []
  return connection && actor && secret && parts?.length === 3 ? { connection, actor, secret } : undefined
}

/** A cookie that this service did not write may hold anything. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
