import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditRecord, guestpass, type GuestpassOptions } from '../../src/front-door/index.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from '../e2e/receiver.ts'
import { temporaryFolder } from '../spawn-cli.ts'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'

const ANN = { api: 'engagements', email: 'ann.example@mail.example', consent: true, channelId: 'web-1' } as const

let upstream: PlainUpstream
let peer: Receiver
let place: ReturnType<typeof temporaryFolder>
beforeEach(async () => {
  upstream = await plainUpstream()
  peer = await receiver()
  place = temporaryFolder()
})
afterEach(async () => {
  place.remove()
  await Promise.all([upstream.close(), peer.close()])
})

describe('a program that ends at once', () => {
  const records: AuditRecord[] = []
  const options = (): GuestpassOptions => ({
    env: upstream.env,
    cwd: place.cwd,
    log: () => {},
    crm: `${upstream.url}/crm`,
    webhooks: { analytics: `${peer.url}/analytics`, secret: WEBHOOK_SECRET },
    audit: (record) => void records.push(record),
  })
  const types = () => records.map(({ eventType }) => eventType)
  beforeEach(() => void records.splice(0))

  it('gives its listener also the records of what close did: webhooks that were delivered', async () => {
    const gp = await guestpass(options())
    await gp.guests.issue(ANN)
    await gp.close()
    expect(peer.of('/analytics')).toHaveLength(1)
    expect(types()).toContain('WEBHOOK_SYNCED')
  })

  it('has given the upstream the attributes of its guests, and wrote that down', async () => {
    const gp = await guestpass(options())
    const { guestId } = await gp.guests.issue({ ...ANN, attributes: { plan: 'pro' } })
    await gp.close()
    expect(upstream.people.attributes.get(guestId)).toMatchObject({ plan: 'pro', tier: 'gold' })
    expect(types()).toContain('GUEST_ENRICHED')
  })
})
