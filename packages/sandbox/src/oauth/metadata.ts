import type { Endpoint } from '../endpoint.ts'

export interface MetadataParts {
  readonly issuer: () => string
  readonly grantTypes: readonly string[]
  readonly scopes: readonly string[]
}

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
        jwks_uri: `${issuer()}/.well-known/jwks.json`,
        scopes_supported: scopes,
        response_types_supported: [],
        grant_types_supported: grantTypes,
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      },
    }),
  }
}
