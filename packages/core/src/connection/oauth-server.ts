import { connectionName } from '../domain/connection-name.ts'
import { checkOptions, objectWithMethods, required, object, nonEmptyText } from '../domain/options.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import { loadOnce } from '../ports/load-once.ts'
import * as schemas from '../ports/schemas.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import { type Hosts, hostsSchema } from '../upstream/hosts.ts'
import { type AuthorizationServer, createAuthorizationServer } from '../upstream/oauth/server.ts'
import { storedFact, type KeySetPlace } from './verification.ts'

/** The OAuth server of a connection: its endpoints, and its key-set. */
export interface OAuthServer extends AuthorizationServer {
  /** The key-set that the issuer's discovery document names. Absent if no issuer is named. */
  readonly keySet?: KeySetPlace
}

/** The ports of `oauthServer`. A store keeps the discovery document for other processes. */
export interface OAuthServerPorts {
  readonly store?: Pick<Store, 'fact' | 'setFact'>
  readonly http: Http
  readonly clock: Clock
  readonly random: Random
}

const portsSchema = object<OAuthServerPorts>(
  {
    store: objectWithMethods('a store', ['fact', 'setFact'], 'Give a store, or leave it out.'),
    http: required(schemas.http),
    clock: required(schemas.clock),
    random: required(schemas.random),
  },
  { open: true },
)

/**
 * Gives the OAuth server of a connection. If `hosts` name an issuer, its discovery document is read on the
 * first question (RFC 8414, OpenID Connect Discovery). For programs that need an endpoint or the key-set
 * without a connection.
 *
 * @param connection the name of the connection, under which a store keeps the discovery document
 * @param hosts the addresses, from `resolveHosts`
 * @param ports see `OAuthServerPorts`
 * @param pinned the issuer that tokens must have, if `hosts` name no issuer. Default: it is not compared
 *
 * Throws `config_invalid`; `fields` then lists every wrong option.
 *
 * @example
 * ```ts
 * import { resolveHosts } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import { oauthServer } from '@guestpass/core/runtime-kit'
 *
 * const ports = nodePorts()
 * const server = oauthServer('default', resolveHosts({ baseUrl: 'https://gateway.example.com' }), ports)
 * console.log((await server.expected()).issuer ?? 'no issuer is known')
 * await ports.close()
 * ```
 */
export function oauthServer(connection: string, hosts: Hosts, ports: OAuthServerPorts, pinned?: string): OAuthServer {
  checkOptions(
    'oauthServer',
    ['connection', connection, required(connectionName)],
    ['hosts', hosts, required(hostsSchema)],
    ['ports', ports, portsSchema],
    ['pinned', pinned, nonEmptyText],
  )
  return oauthServerOf(connection, hosts, ports, pinned)
}

/** The same for options that were checked. */
export function oauthServerOf(connection: string, hosts: Hosts, ports: OAuthServerPorts, pinned?: string): OAuthServer {
  const { issuer, insecureHosts } = hosts
  if (issuer === undefined) return createAuthorizationServer(hosts, undefined, pinned)
  const { store, http, clock, random } = ports
  const facts = storedFact(store, connection, `discovery:${issuer}`)
  const discovered = loadOnce(async () => {
    const { createDiscovery: discovery } = await import('../upstream/oauth/discovery.ts')
    return discovery({ issuer, insecureHosts, http, clock, random, facts })
  })
  const found = createAuthorizationServer(hosts, async () => (await discovered())())
  return { ...found, keySet: { url: found.jwksUrl, rememberedAs: `issuer:${issuer}` } }
}
