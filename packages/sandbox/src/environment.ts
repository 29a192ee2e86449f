import type { Algorithm } from './keys.ts'
import { isLoopbackHostHeader } from './loopback.ts'

interface EnvironmentParts {
  readonly url: string
  readonly publicClientId: string
  readonly client: { readonly id: string; readonly secret: string }
  readonly webhookSecrets: readonly string[]
  readonly algorithm: Algorithm
}

/** Names the host for programs that refuse plain http beyond loopback. */
function insecureHosts(url: string): Record<string, string> {
  const { protocol, hostname, host } = new URL(url)
  return protocol === 'http:' && !isLoopbackHostHeader(hostname, []) ? { GUESTPASS_INSECURE_HOSTS: host } : {}
}

/** The environment variables that lead a client to a sandbox, its CRM and its receivers of webhooks. */
export function environmentVariables({
  url,
  client,
  publicClientId,
  webhookSecrets,
  algorithm,
}: EnvironmentParts): Record<string, string> {
  return {
    GENESYS_OAUTH_BASE_URL: url,
    GENESYS_API_BASE_URL: url,
    GENESYS_CLIENT_ID: client.id,
    GENESYS_CLIENT_SECRET: client.secret,
    GENESYS_PUBLIC_CLIENT_ID: publicClientId,
    GENESYS_JWKS_URL: `${url}/.well-known/jwks.json`,
    CRM_BASE_URL: `${url}/crm`,
    IDP_WEBHOOK_URL: `${url}/webhooks/idp`,
    IDM_WEBHOOK_URL: `${url}/webhooks/idm`,
    ANALYTICS_WEBHOOK_URL: `${url}/webhooks/analytics`,
    WEBHOOK_SECRET: webhookSecrets.join(','),
    GENESYS_SCOPES:
      'webmessaging:guest:create webmessaging:guesttoken:write guest:write guest:read externalusers:write',
    // Clients accept RS256 by default.
    ...(algorithm === 'RS256' ? {} : { GENESYS_TOKEN_ALGORITHMS: algorithm }),
    ...insecureHosts(url),
  }
}
