/**
 * Job "authenticate": one guest for an address on a channel, renewed, then forgotten. Run it where `guestpass
 * sandbox` wrote its `.env`. CRM_BASE_URL, or the option `crm`, would add what the CRM knows of the customer.
 */
import { type EngagementRequest, guestpass } from 'guestpass'

const gp = await guestpass()
const person: EngagementRequest = { api: 'engagements', email: 'Ann@Example.com', consent: true, channelId: 'web-chat' }

// Ten requests at once: one guest. The others hear that there is a session, and nothing else of it.
const asked = Array.from({ length: 10 }, () => gp.guests.issue({ ...person, attributes: { plan: 'gold' } }))
const outcomes = await Promise.allSettled(asked)
console.log(`${outcomes.filter(({ status }) => status === 'fulfilled').length} issued, the others refused`)

// Your backend knows that the address is theirs: the session there is.
const verified: EngagementRequest = { ...person, assurance: 'verified', onDuplicate: 'reuse' }
const again = await gp.guests.issue(verified)
console.log(`${again.guestId} is on channel ${again.channelId}`)

// By its refresh token, which is used up; the next one is kept.
const { generation, expiresAt } = await gp.guests.refresh(again.guestId)
console.log(`generation ${generation} is valid until ${new Date(expiresAt).toISOString()}`)

// A person asks by address.
const { guests, remains } = await gp.guests.erase({ email: person.email })
console.log(`${guests.length} forgotten here; elsewhere remains: ${remains.join('; ')}`)
await gp.close()
