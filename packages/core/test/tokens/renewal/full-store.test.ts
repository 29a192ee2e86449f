import { describe, expect, it } from 'vitest'
import type { Secret } from '../../../src/domain/secret.ts'
import { SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import type { Change, Store } from '../../../src/ports/store.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'
import { outcome, advanceUntil, refusal } from '../../world/world.ts'

const full = (): GuestpassError => new GuestpassError('store_unavailable', 'The disk is full.')

/** A store whose disk takes no guest while it is full. */
function onDisk(store: Store) {
  const disk = { isFull: false, hasRoom: true }
  return {
    disk,
    store: {
      ...store,
      commit: async (change: Change) =>
        disk.isFull && change.writes?.some(({ credential }) => credential.kind === 'guest')
          ? Promise.reject(full())
          : store.commit(change),
      ensureRoom: async () => (disk.hasRoom ? store.ensureRoom() : Promise.reject(full())),
    },
  }
}

describe('a guest that comes when the disk is full', () => {
  it('is stored when there is room again, and made once', async () => {
    const here = applicantWorld()
    const { disk, store } = onDisk(here.store)
    const { guests } = await here.process({}, { store })
    disk.isFull = true
    const asked = outcome(guests.issue(ann))
    await here.clock.advance(20 * SECOND)
    disk.isFull = false
    const token = await advanceUntil(here.clock, asked)
    expect([token.includes('.'), here.upstream.asked.create.length]).toEqual([true, 1])
  })

  it('is handed out with the error, in doubt, when the store does not take it in the time that was given', async () => {
    const here = applicantWorld()
    const { disk, store } = onDisk(here.store)
    const { guests } = await here.process({}, { store, unsavedMs: 10 * SECOND })
    disk.isFull = true
    const error = await advanceUntil(here.clock, refusal(guests.issue(ann)))
    const unsaved = error.unsaved as { readonly guestId: string; readonly token: Secret }
    expect([error.code, unsaved.token.reveal().includes('.'), JSON.stringify(error).includes('eyJ')]).toEqual([
      'in_doubt',
      true,
      false,
    ])
  })

  it('is not asked for when there is no room for it', async () => {
    const here = applicantWorld()
    const { disk, store } = onDisk(here.store)
    const { guests } = await here.process({}, { store })
    disk.hasRoom = false
    expect((await refusal(guests.issue(ann))).code).toBe('store_unavailable')
    expect(here.upstream.asked.create).toHaveLength(0)
  })
})
