/**
 * The SDK of Genesys with a Guestpass token source: its callers never get a 401. Run it with the environment
 * variables of `guestpass sandbox`.
 */
import { authorizedFetch, authorizedSdk, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import sdk from 'purecloud-platform-client-v2'

const {
  GENESYS_OAUTH_BASE_URL,
  GENESYS_API_BASE_URL = '',
  GENESYS_CLIENT_ID = '',
  GENESYS_CLIENT_SECRET = '',
} = process.env

const ports = { ...nodePorts(), store: memoryStore() }
const { accessTokens } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  },
  ports,
)

// The sandbox has no host of Genesys Cloud. With Genesys Cloud, call `setEnvironment` with your region.
const { hostname, port, protocol } = new URL(GENESYS_API_BASE_URL)
const client = sdk.ApiClient.instance
client.setGateway({ host: hostname, port: Number(port), protocol: protocol.slice(0, -1) })
const detach = authorizedSdk(client, accessTokens)

// The token is revoked. Ten concurrent calls get their answers after one renewal.
const fetchAsService = authorizedFetch(accessTokens, { origins: [GENESYS_API_BASE_URL] })
await fetchAsService(`${GENESYS_API_BASE_URL}/api/v2/tokens/me`, { method: 'DELETE' })
const answers = await Promise.all(Array.from({ length: 10 }, () => new sdk.TokensApi().getTokensMe()))
console.log(`${answers.length} answers for ${answers[0]?.organization?.name}`)

const { generation, expiresAt } = await accessTokens.token()
console.log(`generation ${generation}, valid until ${new Date(expiresAt).toISOString()}`)
detach()
await ports.close()
