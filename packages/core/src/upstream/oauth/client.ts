import { encodeBase64 } from '../../domain/base64.ts'
import { Secret } from '../../domain/secret.ts'

/**
 * How a client authenticates at the token endpoint (RFC 6749, 2.3.1; RFC 7523). `none`: it is a public
 * client.
 */
export type ClientAuthMethod = 'basic' | 'body' | 'none' | 'private_key_jwt'

/** An OAuth client: its id, and how it proves that it is the client (RFC 6749, 2.3). */
export interface OAuthClient {
  /** The client id. */
  readonly id: string
  /** The client secret. Absent: a public client, unless it has a private key. */
  readonly secret?: Secret
  /**
   * How Basic carries id and secret: as they are, which Genesys Cloud expects, or form-encoded (RFC 6749,
   * appendix B). Default `raw`.
   */
  readonly basicEncoding?: 'raw' | 'form'
  /**
   * The key that signs assertions in place of a secret (RFC 7523): PKCS #8 in PEM, of an RSA, RSA-PSS, P-256
   * or Ed25519 key.
   */
  readonly privateKey?: Secret
  /** The `kid` of assertions, if the server knows several keys of the client. Default: none. */
  readonly keyId?: string
}

/** The parts of a request that authenticate the client. */
export interface ClientAuthentication {
  readonly headers: Readonly<Record<string, string>>
  readonly members: Readonly<Record<string, string>>
  readonly secrets: readonly Secret[]
}

/** Authenticates a client by its id and secret. */
export function authenticateBySecret(
  client: OAuthClient,
  method: Exclude<ClientAuthMethod, 'private_key_jwt'>,
): ClientAuthentication {
  const secrets = client.secret ? [client.secret] : []
  if (method === 'basic') {
    const pair = new Secret(basicPair(client))
    return { headers: { authorization: `Basic ${pair.reveal()}` }, members: {}, secrets: [...secrets, pair] }
  }
  const secret: Record<string, string> =
    method === 'body' && client.secret ? { client_secret: client.secret.reveal() } : {}
  return { headers: {}, members: { client_id: client.id, ...secret }, secrets }
}

const formEncoded = (part: string): string => new URLSearchParams({ '': part }).toString().slice(1)

function basicPair({ id, secret, basicEncoding = 'raw' }: OAuthClient): string {
  const encode = (part: string): string => (basicEncoding === 'raw' ? part : formEncoded(part))
  const bytes = new TextEncoder().encode(`${encode(id)}:${encode(secret?.reveal() ?? '')}`)
  return encodeBase64(bytes)
}

/** Whether the two encodings of Basic differ for a client, as they do for `+`, `%` or `:` in its secret. */
export const isEncodingMatter = ({ id, secret }: OAuthClient): boolean =>
  [id, secret?.reveal() ?? ''].some((part) => formEncoded(part) !== part)
