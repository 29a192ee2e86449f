import type { Endpoint } from '../endpoint.ts'
import { algorithms } from '../keys.ts'

interface MetadataParts {
  readonly issuer: () => string
  readonly grantTypes: readonly string[]
  readonly scopes: readonly string[]
  /** The signature algorithm of ID tokens. */
  readonly algorithm: string
}

/**
 * `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`: RFC 8414 and OpenID
 * Connect Discovery 1.0, section 3. The public platform omits `jwks_uri`.
 */
export function metadataEndpoint(parts: MetadataParts): Endpoint {
  return {
    operation: 'metadata',
    method: 'GET',
    paths: ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'],
    dialect: 'api',
    answer: () => ({ status: 200, json: { ...addresses(parts.issuer()), ...abilities(parts) } }),
  }
}

const addresses = (issuer: string) => ({
  issuer,
  token_endpoint: `${issuer}/oauth/token`,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  end_session_endpoint: `${issuer}/logout`,
  userinfo_endpoint: `${issuer}/oauth/userinfo`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
})

const proofs = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
const authMethods = [...proofs, 'none']

const abilities = ({ grantTypes, scopes, algorithm }: MetadataParts) => ({
  scopes_supported: scopes,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  code_challenge_methods_supported: ['S256'],
  grant_types_supported: grantTypes,
  prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
  authorization_response_iss_parameter_supported: true,
  token_endpoint_auth_methods_supported: authMethods,
  token_endpoint_auth_signing_alg_values_supported: algorithms,
  revocation_endpoint_auth_methods_supported: authMethods,
  revocation_endpoint_auth_signing_alg_values_supported: algorithms,
  introspection_endpoint_auth_methods_supported: proofs,
  introspection_endpoint_auth_signing_alg_values_supported: algorithms,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [algorithm],
  claims_supported: ['sub', 'name', 'given_name', 'family_name', 'email', 'email_verified', 'auth_time', 'nonce'],
})
