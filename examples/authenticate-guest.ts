/**
 * Job "authenticate": makes one guest for an address on a channel, renews it, and erases it. Run it in the
 * folder in which `guestpass sandbox` wrote its `.env`. With CRM_BASE_URL, or the option `crm`, the guest gets
 * the profile of the CRM.
 */
import { type EngagementRequest, guestpass } from 'guestpass'

const gp = await guestpass()
const person: EngagementRequest = { api: 'engagements', email: 'Ann@Example.com', consent: true, channelId: 'web-chat' }

// Ten concurrent requests make one guest. The others fail with `session_exists`, without the guest's id.
const requests = Array.from({ length: 10 }, () => gp.guests.issue({ ...person, attributes: { plan: 'gold' } }))
const outcomes = await Promise.allSettled(requests)
console.log(`${outcomes.filter(({ status }) => status === 'fulfilled').length} issued, the others refused`)

// If your backend has verified the address, the request gets the session that exists.
const verified: EngagementRequest = { ...person, assurance: 'verified', onDuplicate: 'reuse' }
const again = await gp.guests.issue(verified)
console.log(`${again.guestId} is on channel ${again.channelId}`)

// The refresh spends the refresh token. The next one is stored.
const { generation, expiresAt } = await gp.guests.refresh(again.guestId)
console.log(`generation ${generation} is valid until ${new Date(expiresAt).toISOString()}`)

// Erases all guests of an address.
const { guests, remains } = await gp.guests.erase({ email: person.email })
console.log(`${guests.length} erased here; elsewhere remains: ${remains.join('; ')}`)
await gp.close()
