import * as kernel from 'oauth4webapi'
import { encodeBase64url } from '../../domain/base64url.ts'
import { ClaimFault, type ExpectedIssuer } from './expected-issuer.ts'

type Facts = Readonly<Record<string, unknown>>

const factsOf = (thrown: unknown): Facts => ((thrown as Error).cause ?? {}) as Facts

/**
 * Checks the parameters of a callback: its `iss` (RFC 9207, 2.4), and that none that counts comes twice (RFC
 * 6749, 3.1). An error that it brings is not looked at. Throws `ClaimFault`.
 */
export function checkCallback(query: URLSearchParams, clientId: string, { issuer, namesIssuer }: ExpectedIssuer): void {
  // The kernel looks at those that it reads.
  if (query.getAll('code').length > 1) throw new ClaimFault('callback', 'its callback holds code twice')
  if (query.has('response'))
    throw new ClaimFault(
      'callback',
      'its callback holds a JWT (JARM), which is not read: the provider has to answer in the query',
    )
  const came = query.get('iss')
  const server = { issuer: issuer ?? (came || 'unknown'), authorization_response_iss_parameter_supported: namesIssuer }
  const named = new URLSearchParams(query)
  // The issuer is judged first: an error of a stranger is not this server's.
  named.delete('error')
  try {
    kernel.validateAuthResponse(server, { client_id: clientId }, named, kernel.skipStateCheck)
  } catch (thrown) {
    if (came !== null && came !== '' && came !== server.issuer)
      throw new ClaimFault('iss', `its iss is ${quoted(came)}, and the issuer is ${quoted(server.issuer)}`, thrown)
    if (namesIssuer && !came) throw new ClaimFault('iss', 'it lacks the iss that this server always sends', thrown)
    throw new ClaimFault('callback', `its callback is not valid: ${(thrown as Error).message}`, thrown)
  }
}

interface IdTokenExpected extends ExpectedIssuer {
  readonly clientId: string
  /** Absent where none was sent. */
  readonly nonce?: string | undefined
  /** Where `max_age` was sent: then the token must say when the user signed in. */
  readonly maxAge?: number | undefined
}

/**
 * Checks the claims of an ID token whose signature and dates were checked: iss, aud, azp, nonce, and that
 * auth_time is there where `max_age` was sent (OpenID Connect Core, 3.1.3.7). Throws `ClaimFault`.
 */
export async function checkIdToken(claims: Facts, expected: IdTokenExpected): Promise<void> {
  const { nonce, maxAge } = expected
  const { copy, server } = judged(claims, expected)
  // Dates are judged elsewhere, by the issuer's clock.
  const client = { client_id: expected.clientId, [kernel.clockTolerance]: Number.MAX_SAFE_INTEGER }
  try {
    await (nonce === undefined
      ? kernel.processGenericTokenEndpointResponse(server, client, copy)
      : kernel.processAuthorizationCodeResponse(server, client, copy, { expectedNonce: nonce }))
  } catch (thrown) {
    const claim = claimOf(thrown)
    throw new ClaimFault(claim, `the ${claim} of its ID token is not right: ${(thrown as Error).message}`, thrown)
  }
  const { azp } = claims
  // Also of a token for one audience (3.1.3.7, step 5).
  if (azp !== undefined && azp !== expected.clientId)
    throw new ClaimFault('azp', 'the azp of its ID token is another client')
  if (maxAge !== undefined && typeof claims['auth_time'] !== 'number')
    throw new ClaimFault('auth_time', 'its ID token does not say when the user signed in, which max_age asks for')
}

/**
 * The claims as an answer of the token endpoint that says nothing else, so that no other member of the real
 * one can fail. Claims that nothing is compared with are filled in where they are missing.
 */
function judged(claims: Facts, { issuer }: IdTokenExpected) {
  const { iss } = claims
  const server = { issuer: issuer ?? (typeof iss === 'string' && iss !== '' ? iss : 'unknown') }
  const filled = { iat: 0, sub: 'unknown', ...(issuer === undefined ? { iss: server.issuer } : {}), ...claims }
  const part = (value: unknown): string => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
  const id_token = `${part({ alg: 'RS256' })}.${part(filled)}.c2ln`
  const copy = new Response(JSON.stringify({ access_token: 'access', token_type: 'bearer', id_token }), {
    headers: { 'content-type': 'application/json' },
  })
  return { server, copy }
}

/** The claim that an error of oauth4webapi is about, by its facts or its message. */
function claimOf(thrown: unknown): string {
  const { claim } = factsOf(thrown)
  return typeof claim === 'string' ? claim : (/"(\w+)" \(/.exec((thrown as Error).message)?.[1] ?? 'id_token')
}

/** A foreign text, cut short and quoted. */
export const quoted = (text: unknown): string => JSON.stringify(String(text).slice(0, 200))
