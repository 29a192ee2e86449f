/** Job "authenticate": one guest for an address on a channel, renewed, then forgotten. Run with the `.env` of `guestpass sandbox`. */
import { connection, type EngagementRequest, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env

const ports = { ...nodePorts(), store: memoryStore() }
const { guests } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
    // crmUrl: 'https://crm.example.com' would add what the CRM knows of the customer.
  },
  ports,
)
const person: EngagementRequest = { api: 'engagements', email: 'Ann@Example.com', consent: true, channelId: 'web-chat' }

// Ten requests at once: one guest. The others hear that there is a session, and nothing else of it.
const asked = Array.from({ length: 10 }, () => guests.issue({ ...person, attributes: { plan: 'gold' } }))
const outcomes = await Promise.allSettled(asked)
console.log(`${outcomes.filter(({ status }) => status === 'fulfilled').length} issued, the others refused`)

// Your backend knows that the address is theirs: the session there is.
const verified: EngagementRequest = { ...person, assurance: 'verified', onDuplicate: 'reuse' }
const again = await guests.issue(verified)
console.log(`${again.guestId} is on channel ${again.channelId}`)

// By its refresh token, which is used up; the next one is kept.
const { generation, expiresAt } = await guests.refresh(again.guestId)
console.log(`generation ${generation} is valid until ${new Date(expiresAt).toISOString()}`)

const { remains } = await guests.erase(again.guestId)
console.log(`forgotten here; elsewhere remains: ${remains.join('; ')}`)
await ports.close()
