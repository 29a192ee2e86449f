import { Secret } from '../../domain/secret.ts'

/** How a client names itself at the token endpoint (RFC 6749, 2.3.1; RFC 7523). `none`: a public client. */
export type ClientAuthMethod = 'basic' | 'body' | 'none' | 'private_key_jwt'

export interface OAuthClient {
  readonly id: string
  /** Absent: a public client, unless it has a private key. */
  readonly secret?: Secret
  /** How id and secret stand in Basic: as they are (what Genesys reads), or form-encoded (RFC 6749, appendix B). Default raw. */
  readonly basicEncoding?: 'raw' | 'form'
  /** Signs an assertion in place of a secret (RFC 7523): PKCS #8 as PEM, of an RSA (RSA-PSS too), P-256 or Ed25519 key. */
  readonly privateKey?: Secret
  /** The `kid` of the assertion, where the server knows several keys of the client. */
  readonly keyId?: string
}

/** What names the client in one request. */
export interface ClientAuthentication {
  readonly headers: Readonly<Record<string, string>>
  readonly members: Readonly<Record<string, string>>
  readonly secrets: readonly Secret[]
}

/** How the client names itself with its id and secret. */
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
  return btoa(String.fromCodePoint(...bytes))
}

/** Whether Basic reads differently raw and form-encoded, as with `+`, `%` or `:` in the secret. */
export const isEncodingMatter = ({ id, secret }: OAuthClient): boolean =>
  [id, secret?.reveal() ?? ''].some((part) => formEncoded(part) !== part)
