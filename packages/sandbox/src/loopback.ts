/** Returns whether an address to listen on is a loopback address. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}

/**
 * Returns whether the Host header names this machine. It protects against DNS rebinding: a page on the web
 * can point its own name at 127.0.0.1 and then has the same origin as the sandbox, but its name is in Host.
 */
export function isLoopbackHostHeader(host: string | undefined, alsoAllowed: readonly string[]): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || name.endsWith('.localhost') || alsoAllowed.includes(name)
}
