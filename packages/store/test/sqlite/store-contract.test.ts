import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock, storeContract } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { openStore } from '../helpers/open-store.ts'

describe('a store in an SQLite file', () => {
  storeContract(
    async (route) => {
      const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
      const clock = fakeClock()
      const open = () => openStore(join(folder, 'new', 'guestpass.db'), { clock, route })
      const store = await open()
      return {
        store,
        another: open,
        advance: (ms) => (ms > 0 ? clock.advance(ms) : clock.stepWall(ms)),
        end: () => rm(folder, { recursive: true }),
      }
    },
    { describe, it, expect },
  )
})
