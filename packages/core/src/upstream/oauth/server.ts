import { GuestpassError } from '../../domain/errors.ts'
import type { OAuthEndpoints, Hosts } from '../hosts.ts'
import type { ExpectedIssuer } from './expected-issuer.ts'
import type { ServerMetadata } from './server-metadata.ts'

/** The OAuth server of an organisation: its endpoints and its metadata. */
export interface AuthorizationServer {
  /** The issuer whose discovery document is read, as it was given. */
  readonly issuer?: string | undefined
  /**
   * The address of an endpoint: its own option, else that of the discovery document, else the one that
   * follows from the hosts. Rejects with `upstream_unavailable` if the document cannot be fetched, and with
   * `config_invalid` if it does not name the endpoint.
   */
  endpoint(name: keyof OAuthEndpoints): Promise<string>
  /** The metadata in the discovery document; undefined without an issuer. Rejects as `endpoint` does. */
  metadata(): Promise<ServerMetadata | undefined>
  /** The issuer that its answers must have, as far as it is known now. */
  expected(): Promise<ExpectedIssuer>
  /**
   * The address of the key-set: that of the discovery document, else that of the options. Rejects as
   * `endpoint` does.
   */
  jwksUrl(): Promise<string>
}

/** By endpoint: what it is, and the option that sets it. */
const options: Readonly<Record<keyof OAuthEndpoints, readonly [what: string, option: string]>> = {
  clientToken: ['token endpoint', 'hosts.tokenPath'],
  userToken: ['token endpoint', 'hosts.userTokenPath'],
  authorize: ['authorization endpoint', 'hosts.authorizePath'],
  device: ['device authorization endpoint', 'hosts.devicePath'],
  revocation: ['revocation endpoint', 'hosts.revocationPath'],
}

/** The option of a connection that sets an endpoint. */
export const optionOf = (name: keyof OAuthEndpoints): string => options[name][1]

function unnamed(issuer: string, [what, option]: readonly [string, string]): GuestpassError {
  const message = `is not set, and the discovery document of ${issuer} names no ${what} that can be used`
  const field = { field: option, message, remedy: 'Set it, or ask the provider whether it offers this.' }
  return new GuestpassError('config_invalid', `\`${option}\` ${message}. ${field.remedy}`, { fields: [field] })
}

/** Whether an error says that the discovery document does not name an endpoint. */
export const isUnnamed = (thrown: unknown, name: keyof OAuthEndpoints): boolean =>
  thrown instanceof GuestpassError && thrown.code === 'config_invalid' && thrown.fields?.[0]?.field === optionOf(name)

/**
 * Creates the OAuth server of hosts. `discovered`: reads the discovery document of `hosts.issuer`. `pinned`:
 * the issuer of tokens if no document is read.
 */
export function createAuthorizationServer(
  { endpoints, from, issuer, jwksUrl, own }: Pick<Hosts, 'endpoints' | 'from' | 'issuer' | 'jwksUrl' | 'own'>,
  discovered: (() => Promise<ServerMetadata>) | undefined,
  pinned?: string,
): AuthorizationServer {
  return {
    issuer,
    async endpoint(name) {
      if (!discovered || own.includes(name)) return endpoints[name]
      const { endpoints: found, issuer: named } = await discovered()
      const url = found[name]
      if (url === undefined) throw unnamed(named, options[name])
      return url
    },
    metadata: async () => discovered?.(),
    async expected() {
      const found = await discovered?.().catch(() => undefined)
      return { issuer: found?.issuer ?? issuer ?? pinned, namesIssuer: found?.namesIssuer ?? false }
    },
    async jwksUrl() {
      if (!discovered) return jwksUrl
      const { issuer: named, jwksUrl: found } = await discovered()
      if (found !== undefined) return found
      if (from.jwksUrl !== 'jwksUrl') throw unnamed(named, ['key-set', 'hosts.jwksUrl'])
      return jwksUrl
    },
  }
}
