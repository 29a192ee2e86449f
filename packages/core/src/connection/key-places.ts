import type { Hosts } from '../upstream/hosts.ts'
import type { KeySetPlace, VerificationOptions } from './verification.ts'

/** The key-sets and public keys of a connection. */
export type KeyPlaces = Pick<VerificationOptions, 'keys' | 'accessKeys'>

/**
 * Decides where the keys of a connection are.
 *
 * Access tokens and ID tokens: the key-set of the issuer's discovery document (`discovered`), else the
 * key-set whose URL is configured. Guest tokens: `publicKey`, with a configured key-set beside it. Without
 * `publicKey`: the configured key-set, else that of the issuer, else the one at the usual path of the hosts.
 */
export function keyPlaces(publicKey: string | undefined, hosts: Hosts, discovered?: KeySetPlace): KeyPlaces {
  const configured = hosts.from.jwksUrl === 'jwksUrl' ? { url: hosts.jwksUrl } : undefined
  const known = discovered ?? configured
  const accessKeys = known ? { accessKeys: known } : {}
  if (publicKey === undefined) return { keys: configured ?? discovered ?? { url: hosts.jwksUrl }, ...accessKeys }
  return { keys: { pem: publicKey, ...configured }, ...accessKeys }
}
