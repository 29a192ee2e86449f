/** Job "mint": an ephemeral guest token, verified before it is handed out. Run with the `.env` of `guestpass sandbox`. */
import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env

const ports = nodePorts()
const { guests, verifier } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  },
  { ...ports, store: memoryStore() },
)
guests.onTokenReady(({ guestId, kind, latencyMs }, token) => {
  // Hand `token.reveal()` to the chat SDK.
  console.log(`${kind}: ${token.mask()} for ${guestId} after ${Math.round(latencyMs)} ms`)
})

const guest = await guests.issue({
  duration: 'shortSession',
  scopes: ['webmessaging:guest:send', 'webmessaging:guest:receive'],
})
const verdict = await verifier.verify(guest.token.reveal(), {
  subject: guest.guestId,
  scopes: ['webmessaging:guest:send'],
})
console.log(verdict.valid ? `valid until ${new Date(guest.expiresAt).toISOString()}` : `not valid: ${verdict.reason}`)

await ports.close()
