import { describe, expect, it } from 'vitest'
import { prepareRestoredConnection } from '../../src/connection/restored-store.ts'
import { DAY } from '../../src/domain/time.ts'
import type { Store } from '../../src/ports/store.ts'
import { retention } from '../../src/retention/retention.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { ann, applicantWorld } from '../world/applicant-world.ts'
import { ID, issued, request } from '../world/refresh-world.ts'
import { outcome } from '../world/world.ts'

describe('the preparation of a restored connection', () => {
  it('erases again a guest of which retention had left only a tombstone', async () => {
    const { guests, store, clock, row, events } = await issued()
    const random = seededRandom(3)
    const subject = (await row())?.subject ?? ''
    await clock.advance(31 * DAY)
    expect(await retention('default', { store, clock, random }, { endedGuestsMs: 30 * DAY }).pass()).toMatchObject({
      guests: 1,
    })
    const prepare = () => prepareRestoredConnection('default', ['another', subject], { store, clock, random })
    expect(await prepare()).toMatchObject({ erased: 1 })
    expect(await guests.show(ID)).toMatchObject({ status: 'erased', generation: 2 })
    expect(await outcome(guests.issue(request))).toBe('guest_revoked')
    expect((await events()).find(({ type }) => type === 'GUEST_ERASED')).toMatchObject({ subject, generation: 2 })
    expect(await prepare()).toMatchObject({ erased: 0 })
  })

  it('declares every refresh token in doubt, also one that is written meanwhile', async () => {
    const here = applicantWorld()
    const { store, clock } = here
    const { guests } = await here.process()
    const { guestId } = await guests.issue(ann)
    let written = false
    const list: Store['list'] = async (connection, query) => {
      const page = await store.list(connection, query)
      const [guest] = page.credentials
      if (guest?.kind === 'guest' && !written) {
        written = true
        const next = { ...guest, generation: guest.generation + 1 }
        await store.commit({ connection, writes: [{ credential: next, expect: { generation: guest.generation } }] })
      }
      return page
    }
    const ports = { store: { ...store, list }, clock, random: seededRandom(3) }
    expect(await prepareRestoredConnection('default', [], ports)).toMatchObject({ inDoubt: 1 })
    const { credential } = await store.find('default', guestId)
    expect(credential).toMatchObject({ status: 'in_doubt', generation: 2 })
  })
})
