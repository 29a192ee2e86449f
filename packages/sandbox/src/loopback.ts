/** Whether an address to listen on is this machine's own. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}

/**
 * Whether the Host header names this machine. A page on the web can point its own name at 127.0.0.1 and would then be of
 * the same origin as the sandbox; its name in Host gives it away.
 */
export function isLoopbackHostHeader(host: string | undefined, alsoAllowed: readonly string[]): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || name.endsWith('.localhost') || alsoAllowed.includes(name)
}
