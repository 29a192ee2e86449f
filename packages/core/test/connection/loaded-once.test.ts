import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { Guests } from '../../src/guests/guests.ts'
import { createListeners, type TokenReady } from '../../src/guests/events/listeners.ts'
import { createGuestsOnDemand } from '../../src/connection/guests-on-demand.ts'
import { loadOnce } from '../../src/ports/load-once.ts'
import { Secret } from '../../src/domain/secret.ts'
import { settle } from '../../src/testing/index.ts'
import { refusal } from '../world/world.ts'

describe('code that is loaded once', () => {
  it('is loaded once for concurrent calls, and again after a failure', async () => {
    let loads = 0
    const loaded = loadOnce(async () => {
      loads += 1
      if (loads === 1) throw new Error('offline')
      return loads
    })
    expect(await Promise.allSettled([loaded(), loaded()])).toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ])
    expect(loads).toBe(1)
    expect(await Promise.all([loaded(), loaded(), loaded()])).toEqual([2, 2, 2])
  })
})

describe('guests whose code is loaded on demand', () => {
  const ready = createListeners(() => {})
  const loaded = { revoke: async () => ({ upstream: 'unsupported', local: 'done' }) } as unknown as Guests

  it('reject with a GuestpassError while the code cannot be loaded, and work once it can be', async () => {
    let isOffline = true
    const guests = createGuestsOnDemand(async () => {
      if (isOffline) throw new TypeError('Failed to fetch dynamically imported module')
      return loaded
    }, ready)
    const error = await refusal(guests.revoke('guest'))
    expect(error).toBeInstanceOf(GuestpassError)
    expect(error).toMatchObject({ code: 'internal', cause: expect.any(TypeError) })
    isOffline = false
    expect(await guests.revoke('guest')).toMatchObject({ local: 'done' })
  })

  it('keep a listener that was added before the first call', async () => {
    const guests = createGuestsOnDemand(async () => loaded, ready)
    const got: TokenReady[] = []
    const remove = guests.onTokenReady((event) => void got.push(event))
    const event = { guestId: 'guest', kind: 'issued', generation: 1 } as TokenReady
    ready.notify(event, new Secret('token'))
    await settle()
    remove()
    ready.notify(event, new Secret('token'))
    await settle()
    expect(got).toEqual([event])
  })
})
