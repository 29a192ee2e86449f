import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from './receiver.ts'
import { type User, user } from './user.ts'

const EMAIL = 'ann.example@mail.example'
const ISSUE = `guest issue --api engagements --email ${EMAIL} --consent --channel web-1`

let upstream: PlainUpstream
let peer: Receiver
let ann: User

beforeAll(async () => {
  upstream = await plainUpstream()
})
afterAll(() => upstream.close())
beforeEach(async () => {
  peer = await receiver()
  ann = user({
    ...upstream.env,
    CRM_BASE_URL: `${upstream.url}/crm`,
    ANALYTICS_WEBHOOK_URL: `${peer.url}/analytics`,
    GUESTPASS_AUDIT_FILE: 'audit.jsonl',
    WEBHOOK_SECRET,
  })
})
afterEach(async () => {
  upstream.people.lapse()
  expect(ann.leaks([EMAIL, WEBHOOK_SECRET, ...upstream.given])).toEqual([])
  ann.removeFolder()
  await peer.close()
})

describe('the analytics webhook', () => {
  it('receives who was authenticated, with the address that nothing else shows', async () => {
    const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
    expect(peer.of('/analytics').map(({ body }) => body)).toEqual([
      {
        guestId: said.guestId,
        email: EMAIL,
        channelId: 'web-1',
        crmTier: 'gold',
        authLatencyMs: expect.any(Number),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
    ])
  })

  it('never delays a guest, and receives nothing of a guest that was erased before the delivery', async () => {
    peer.answers({ hangs: true })
    const { code, said } = await ann.runJson<{ guestId: string }>(ISSUE)
    expect(code).toBe(0)
    expect((await ann.run(`guest erase ${said.guestId}`)).code).toBe(0)
    peer.answers({})
    const { said: list } = await ann.runJson<{ data: readonly object[] }>('webhooks list')
    await ann.run('guest list')
    expect(peer.of('/analytics')).toEqual([])
    const { said: after } = await ann.runJson<{ data: readonly object[] }>('webhooks list')
    expect([...list.data, ...after.data]).toMatchObject([{ id: 'analytics' }, { waiting: 0, deadLetters: 0 }])
    expect(await ann.runJson('audit verify')).toMatchObject({ code: 0, said: { valid: true } })
  })
})
