import { GuestpassError } from '../../domain/errors.ts'
import type { Endpoints, Hosts } from '../hosts.ts'
import type { ExpectedIssuer } from './expected-issuer.ts'
import type { ServerMetadata } from './server-metadata.ts'

/** The OAuth server of an organisation: where its endpoints are, and what it says of itself. */
export interface AuthorizationServer {
  /** The issuer whose discovery document is read, as it was given. */
  readonly issuer?: string | undefined
  /**
   * An endpoint in full: of its own setting, else of the discovery document of the issuer, else the one that
   * the hosts imply. Rejects with `upstream_unavailable` when the document cannot be had, with
   * `config_invalid` when it does not name the endpoint.
   */
  endpoint(name: keyof Endpoints): Promise<string>
  /** The discovery document; undefined where no issuer is named. Rejects as `endpoint` does. */
  metadata(): Promise<ServerMetadata | undefined>
  /** What must be true of its answers, as far as it is known now. */
  expected(): Promise<ExpectedIssuer>
  /**
   * The key-set of the issuer; the one of the settings where its document names none. Rejects as `endpoint`
   * does.
   */
  jwksUrl(): Promise<string>
}

/** By endpoint: what it is, and the option that sets it. */
const options: Readonly<Record<keyof Endpoints, readonly [what: string, option: string]>> = {
  clientToken: ['token endpoint', 'hosts.tokenPath'],
  userToken: ['token endpoint', 'hosts.userTokenPath'],
  authorize: ['authorization endpoint', 'hosts.authorizePath'],
  device: ['device authorization endpoint', 'hosts.devicePath'],
  revocation: ['revocation endpoint', 'hosts.revocationPath'],
}

/** The option of a connection that sets an endpoint. */
export const optionOf = (name: keyof Endpoints): string => options[name][1]

function unnamed(issuer: string, [what, option]: readonly [string, string]): GuestpassError {
  const message = `is not set, and the discovery document of ${issuer} names no ${what} that can be used`
  const field = { field: option, message, remedy: 'Set it, or ask the provider whether it offers this.' }
  return new GuestpassError('config_invalid', `\`${option}\` ${message}. ${field.remedy}`, { fields: [field] })
}

/** Whether an endpoint could not be had because the discovery document does not name it. */
export const isUnnamed = (thrown: unknown, name: keyof Endpoints): boolean =>
  thrown instanceof GuestpassError && thrown.code === 'config_invalid' && thrown.fields?.[0]?.field === optionOf(name)

/**
 * `discovered` gives the discovery document of `hosts.issuer`; `pinned` is the issuer of tokens where no
 * document is read.
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
