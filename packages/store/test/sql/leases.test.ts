import { join } from 'node:path'
import { HOUR, MINUTE, SECOND } from '@guestpass/core/store-kit'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { inFolder, openStore } from '../helpers/open-store.ts'

/** Processes on one machine whose wall clocks differ, as where one of them was started with a wrong date. */
describe('a lease in an SQLite file', () => {
  it.each([MINUTE, HOUR, 24 * HOUR, -MINUTE, -24 * HOUR])(
    'is held against a process whose wall clock is %i ms off, until it ends',
    async (off) => {
      await inFolder(async (folder) => {
        const clock = fakeClock()
        const path = join(folder, 'guestpass.db')
        const right = await openStore(path, { clock })
        const wrong = await openStore(path, { clock: { ...clock, wall: () => clock.wall() + off } })
        for (const [one, other] of [
          [right, wrong],
          [wrong, right],
        ] as const) {
          expect((await one.lease('default', 'renew:grant', 'one', 5 * SECOND)).granted).toBe(true)
          await clock.advance(4 * SECOND)
          expect(await other.lease('default', 'renew:grant', 'other', 5 * SECOND)).toEqual({
            granted: false,
            endsInMs: SECOND,
          })
          await clock.advance(SECOND)
          expect((await other.lease('default', 'renew:grant', 'other', 5 * SECOND)).granted).toBe(true)
          await other.release('default', 'renew:grant', 'other')
        }
        await right.close()
        await wrong.close()
      })
    },
  )
})
