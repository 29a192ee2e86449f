import { type Connection, connection, type ConnectionOptions } from '@guestpass/core'
import { authenticatingApis } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'
import type { Config, ConfigWith } from './config/config.ts'
import { tokenFormatKey } from './config/token-format-settings.ts'
import type { Runtime } from './runtime.ts'

/** What a program needs to talk to upstream. */
export type ReachableConfig = ConfigWith<'hosts' | 'clientId'>

/** The connection of a configuration, on a runtime. */
export async function connect(
  { connection: name, hosts, settings }: ReachableConfig,
  { ports, add, webhooks }: Pick<Runtime, 'ports' | 'add' | 'webhooks'>,
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
      policy: { limit: { perMinute: rateLimit } },
      ...pinnedClaims(settings),
      ...authenticatedGuests(settings),
      ...signInOptions(settings),
      ...(scopes ? { scopes } : {}),
      ...(settings.publicKey ? { publicKey: settings.publicKey } : {}),
    },
    ports,
  )
  add(made)
  // Here, because what only reads the store makes no connection known to it. A store that takes nothing now says so where it matters.
  await webhooks.register().catch(() => {})
  return made
}

/** What the configuration says of the OAuth client and of its requests. */
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

/** What the configuration says of the sign-in of a user. */
const signInOptions = ({ refreshToken, refreshProfile, refreshGraceSeconds }: Config['settings']) => ({
  refreshProfile,
  graceMs: refreshGraceSeconds * SECOND,
  ...(refreshToken ? { refreshToken } : {}),
})

/** What the configuration says of guests that are made for addresses. */
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

/** What the configuration says that tokens must be. */
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

/** The claim in which tokens name the organisation that they are of. */
const ORGANIZATION_CLAIM = 'org'
