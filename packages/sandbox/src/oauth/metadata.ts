import type { Endpoint } from '../endpoint.ts'

export interface MetadataParts {
  readonly issuer: () => string
  readonly grantTypes: readonly string[]
  readonly scopes: readonly string[]
}

const authMethods = ['client_secret_basic', 'client_secret_post', 'none']

/** `GET /.well-known/oauth-authorization-server`: RFC 8414, and the key-set's address, which the public platform leaves out. */
export function metadata({ issuer, grantTypes, scopes }: MetadataParts): Endpoint {
  return {
    operation: 'metadata',
    method: 'GET',
    paths: ['/.well-known/oauth-authorization-server'],
    dialect: 'api',
    answer: () => ({
      status: 200,
      json: {
        issuer: issuer(),
        token_endpoint: `${issuer()}/oauth/token`,
        authorization_endpoint: `${issuer()}/oauth/authorize`,
        device_authorization_endpoint: `${issuer()}/oauth/device_authorization`,
        revocation_endpoint: `${issuer()}/oauth/revoke`,
        jwks_uri: `${issuer()}/.well-known/jwks.json`,
        scopes_supported: scopes,
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        code_challenge_methods_supported: ['S256'],
        grant_types_supported: grantTypes,
        token_endpoint_auth_methods_supported: authMethods,
        revocation_endpoint_auth_methods_supported: authMethods,
      },
    }),
  }
}
