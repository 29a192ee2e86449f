import { type Connection, connection, type ConnectionOptions, type PolicyOptions, type Webhooks } from '@guestpass/core'
import { authenticatingApis } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'
import type { Config, ConfigWith } from './config/config.ts'
import { tokenFormatKey } from './config/token-format-settings.ts'
import type { Runtime } from './runtime.ts'

/**
 * A configuration with everything that a connection needs: the upstream's addresses and the id of the OAuth
 * client.
 */
export type ReachableConfig = ConfigWith<'hosts' | 'clientId'>

/**
 * Opens the connection of a configuration on a runtime, whose `close` then waits for its renewals. Nothing is
 * sent before the first call. Rejects with `config_invalid` for options that the core library refuses.
 * Without `webhooks`, its events go to no endpoint. `policy`: deadlines, retries and circuit breaker of its
 * calls. Default: see `PolicyOptions`.
 *
 * @example
 * ```ts
 * import { connect, openRuntime, readConfig } from '@guestpass/runtime'
 *
 * const env = { GENESYS_REGION: 'mypurecloud.ie', GENESYS_CLIENT_ID: 'id', GENESYS_CLIENT_SECRET: 'secret' }
 * const config = await readConfig({ env, cwd: process.cwd(), needs: ['hosts', 'clientId'] })
 * const { signal } = new AbortController()
 * const host = { env, cwd: process.cwd(), signal, actor: 'me', note: console.log, warn: console.log }
 * const runtime = await openRuntime(config, host)
 * const { guests } = await connect(config, runtime)
 * console.log(await guests.list())
 * await runtime.close()
 * ```
 */
export async function connect(
  { connection: name, hosts, settings }: ReachableConfig,
  { ports, add, webhooks }: Pick<Runtime, 'ports' | 'add'> & { readonly webhooks?: Pick<Webhooks, 'register'> },
  policy: Omit<PolicyOptions, 'limit'> = {},
): Promise<Connection> {
  const { clientAuth, scopes, accessTokenFormat, gateway, rateLimit } = settings
  const made = await connection(
    {
      name,
      hosts,
      ...clientOptions(settings),
      clientAuth,
      accessTokenFormat,
      gateway,
      policy: { ...policy, limit: { perMinute: rateLimit } },
      ...pinnedClaims(settings),
      ...authenticatedGuests(settings),
      ...signInOptions(settings),
      ...(scopes ? { scopes } : {}),
      ...(settings.publicKey ? { publicKey: settings.publicKey } : {}),
    },
    ports,
  )
  add(made)
  // Not when the runtime opens: a program that only reads the store must not add a connection to it. A store
  // that cannot be written now fails the first call that needs it.
  await webhooks?.register().catch(() => {})
  return made
}

/** The options of the OAuth client, and further parameters of its requests. */
const clientOptions = (settings: ReachableConfig['settings']) => {
  const { clientId, clientSecret, privateKey, basicEncoding, authorizeParams, tokenParams } = settings
  return {
    client: {
      id: clientId,
      basicEncoding,
      ...(clientSecret ? { secret: clientSecret } : {}),
      ...(privateKey ? { privateKey } : {}),
    },
    ...(authorizeParams ? { authorizeParams } : {}),
    ...(tokenParams ? { tokenParams } : {}),
  }
}

/** The options of a user's sign-in. */
const signInOptions = ({ refreshToken, refreshProfile, refreshGraceSeconds }: Config['settings']) => ({
  refreshProfile,
  graceMs: refreshGraceSeconds * SECOND,
  ...(refreshToken ? { refreshToken } : {}),
})

/** The options of authenticated guests. */
const authenticatedGuests = (settings: Config['settings']) => ({
  preflight: settings.preflight,
  onDuplicate: settings.duplicates,
  ...tokenFormats(settings),
  ...(settings.crmBaseUrl === undefined ? {} : { crmUrl: settings.crmBaseUrl }),
})

/** Formats of tokens that are not those that the API states: only these need its code at once. */
function tokenFormats(settings: Config['settings']): Pick<ConnectionOptions, 'tokenFormat'> {
  const given = authenticatingApis.flatMap((api) => {
    const format = settings[tokenFormatKey(api)]
    return format === api.tokenFormat ? [] : [[api.name, format] as const]
  })
  return given.length === 0 ? {} : { tokenFormat: Object.fromEntries(given) }
}

/** The claims and algorithms that the configuration requires of tokens. */
export const pinnedClaims = ({
  tokenAlgorithms,
  tokenIssuer,
  tokenAudience,
  tokenOrganization,
}: Config['settings']) => ({
  ...(tokenAlgorithms === undefined ? {} : { algorithms: tokenAlgorithms }),
  ...(tokenIssuer === undefined ? {} : { issuer: tokenIssuer }),
  ...(tokenAudience === undefined ? {} : { audience: tokenAudience }),
  ...(tokenOrganization === undefined ? {} : { organization: { claim: ORGANIZATION_CLAIM, id: tokenOrganization } }),
})

/** The claim in which tokens name their organisation. */
const ORGANIZATION_CLAIM = 'org'
