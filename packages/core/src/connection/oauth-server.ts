import { connectionName } from '../domain/connection-name.ts'
import { checkOptions, objectWithMethods, required, object, nonEmptyText } from '../domain/options.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import * as schemas from '../ports/schemas.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import { type Hosts, hostsSchema } from '../upstream/hosts.ts'
import { type AuthorizationServer, createAuthorizationServer } from '../upstream/oauth/server.ts'
import { storedFact, type KeySetPlace } from './verification.ts'

/** The OAuth server of a connection. */
export interface OAuthServer extends AuthorizationServer {
  /** The key-set that the issuer's discovery document names; absent where no issuer is named. */
  readonly keySet?: KeySetPlace
}

interface OAuthServerPorts {
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
 * The OAuth server of a connection, by its issuer where one is named. Nothing is sent before it is asked for something. `pinned`: the
 * issuer of tokens, where no discovery document is read.
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
  const discovered = once(async () => {
    const { createDiscovery: discovery } = await import('../upstream/oauth/discovery.ts')
    return discovery({ issuer, insecureHosts, http, clock, random, facts })
  })
  const found = createAuthorizationServer(hosts, async () => (await discovered())())
  return { ...found, keySet: { url: found.jwksUrl, rememberedAs: `issuer:${issuer}` } }
}

/** What is made when it is asked for first, and then the same. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
