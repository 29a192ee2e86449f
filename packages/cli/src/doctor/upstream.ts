import { type Claims, type Connection, type ConnectionPorts, memoryStore } from '@guestpass/core'
import { leftOutText } from '@guestpass/core/runtime-kit'
import { connect, type ReachableConfig } from '@guestpass/runtime'
import { type AccessCheck, type AccessParts, checkAccess, mayBeSandbox, POLICY } from './access-token.ts'
import { examine, failed, failure, type Finding, ok, warning } from './finding.ts'
import { guestTokenFindings, unsignedRemedy } from './guest-tokens.ts'
import { clockFindings, createServerClock } from './server-clock.ts'

/** What the checks of the upstream work with. */
export interface UpstreamParts extends Omit<AccessParts, 'offsetMs'> {
  /** The database file of the store. Absent for a store in memory. */
  readonly path?: string
  /** Called with the claims of each stored guest token that verifies. */
  readonly onVerified?: (claims: Claims) => void
}

/** Asks the upstream now: for an access token, for the key-sets, and for one answer of the API. */
export async function upstreamFindings(parts: UpstreamParts): Promise<readonly Finding[]> {
  const { config } = parts
  const server = createServerClock(parts.ports)
  const ports = { ...parts.ports, http: server.http }
  const fresh = await freshConnection(config, ports)
  const check = (name: string, work: () => Promise<Finding>): Promise<Finding> => examine(name, config.connection, work)
  const { store, clock } = parts.ports
  const stored = { store, clock, connection: config.connection, verifier: fresh.verifier, onVerified: parts.onVerified }
  const unsigned = unsignedRemedy(config.connection, mayBeSandbox(config) ? parts.path : undefined)
  const [access, guestTokens, ...keys] = await Promise.all([
    accessFindings({ ...parts, ports, offsetMs: server.offsetMs }, fresh),
    guestTokenFindings(stored, unsigned).catch((thrown: unknown) => [
      failure('guest tokens', thrown, config.connection),
    ]),
    check('keys', () => keysFound('keys', fresh.keys)),
    ...(fresh.accessKeys === fresh.keys
      ? []
      : [check('keys of access tokens', () => keysFound('keys of access tokens', fresh.accessKeys))]),
  ])
  return [...access, ...keys, ...guestTokens, ...clockFindings(server.offsetMs(), config.hosts.oauth)]
}

/**
 * A connection that remembers nothing: neither a token nor a key-set nor a learned rate limit. What it gets is
 * not stored, so that processes on the store notice nothing.
 */
function freshConnection({ settings, ...config }: ReachableConfig, ports: ConnectionPorts): Promise<Connection> {
  // It would be spent.
  const { refreshToken: _, ...others } = settings
  const fresh = { ...ports, store: memoryStore({ clock: ports.clock }) }
  return connect({ ...config, settings: others }, { ports: fresh, add() {} }, POLICY)
}

async function accessFindings(parts: AccessParts, fresh: Connection): Promise<readonly Finding[]> {
  const { hosts, connection } = parts.config
  const access = await checkAccess(parts, fresh)
  await fresh.idle()
  if (hosts.api === undefined) return [access.finding]
  return [access.finding, await examine('API request', connection, () => apiReached(fresh, access, hosts.api ?? ''))]
}

/** Any answer shows that the API is reached, but 401 that it refuses the token. */
async function apiReached(fresh: Connection, { token, ifRefused }: AccessCheck, api: string): Promise<Finding> {
  const status = (await fresh.probe(token)) ?? 0
  const message = `${api} answered ${status}`
  if (token === undefined) return ok('API request', `${message} to a request without an access token`)
  if (status === 401)
    return failed('API request', 'access_rejected', `${message}: it refuses the access token`, ifRefused)
  if (status === 429) return warning('API request', `${message}: the rate limit is reached`, BUSY)
  return ok('API request', status < 400 ? message : `${message} to ${PROBE}: it is reached. ${ABOUT_PROBE}`)
}

const PROBE = 'GET /api/v2/users/me'
const ABOUT_PROBE = 'That call is for signed-in users; guests need others.'

const BUSY = 'Wait for a minute, or lower GENESYS_RATE_LIMIT.'

async function keysFound(check: string, keys: Connection['keys']): Promise<Finding> {
  const { keys: found, leftOut = [] } = await keys.keys()
  const named = found.map(
    ({ algorithm, other, kid }) => `${algorithm}${other ? ` and ${other.algorithm}` : ''} ${kid ?? 'without kid'}`,
  )
  const ignored = leftOut.length === 0 ? '' : `; not used: ${leftOutText(leftOut)}`
  return ok(check, `${found.length} usable, ${named.join(', ')}${ignored}`)
}
