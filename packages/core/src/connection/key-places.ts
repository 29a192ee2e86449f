import type { Hosts } from '../upstream/hosts.ts'
import type { KeySetPlace, VerificationOptions } from './verification.ts'

/** Where the keys of a connection are. */
export type KeyPlaces = Required<Pick<VerificationOptions, 'keys'>> & Pick<VerificationOptions, 'accessKeys'>

/**
 * Where the keys of a connection are. The key-set of the issuer's discovery document (`discovered`), else the one whose URL is
 * configured, judges access tokens and ID tokens. Guest tokens are judged by `publicKey`, and by a key-set whose URL is configured
 * beside it; without `publicKey`, by the configured key-set, else that of the issuer, else the one at the usual path.
 */
export function keyPlaces(publicKey: string | undefined, hosts: Hosts, discovered?: KeySetPlace): KeyPlaces {
  const configured = hosts.from.jwksUrl === 'jwksUrl' ? { url: hosts.jwksUrl } : undefined
  const known = discovered ?? configured
  const accessKeys = known ? { accessKeys: known } : {}
  if (publicKey === undefined) return { keys: configured ?? discovered ?? { url: hosts.jwksUrl }, ...accessKeys }
  return { keys: { pem: publicKey, ...configured }, ...accessKeys }
}
