import { describe, expect, it } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { SECOND } from '../../src/domain/time.ts'
import { guestRecords } from '../../src/guests/records/guest-records.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom, settle } from '../../src/testing/index.ts'
import { resolveHosts } from '../../src/upstream/hosts.ts'
import { jwt } from '../world/fake-upstream.ts'
import { everyCall } from '../world/every-call.ts'
import { ID, issued } from '../world/refresh-world.ts'
import { refusal, world } from '../world/world.ts'

const whose = { email: 'ann@mail.example', channelId: 'web-1' }

/** Every call of records, on a store that never answers. */
function hanging() {
  const clock = fakeClock()
  const store = everyCall(memoryStore({ clock }), () => new Promise(() => {}))
  const records = guestRecords({ connection: 'default' }, { store, random: seededRandom(), clock })
  const calls: Readonly<Record<string, (context: Context) => Promise<unknown>>> = {
    show: (context) => records.show(ID, context),
    list: (context) => records.list({}, context),
    revoke: (context) => records.revoke(ID, context),
    erase: (context) => records.erase(ID, context),
    'erase by address': (context) => records.erase(whose, context),
    find: (context) => records.find(whose, context),
    export: (context) => records.export(whose, context),
    invalidate: (context) => records.invalidate(whose, context),
  }
  return { clock, calls }
}

describe.each(Object.keys(hanging().calls))('the caller of %s', (name) => {
  it('waits at most for its patience', async () => {
    const { clock, calls } = hanging()
    const asked = refusal(calls[name]?.({ patienceMs: 3 * SECOND }) ?? Promise.resolve())
    await clock.advance(3 * SECOND)
    expect(await asked).toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('within 3 s') })
  })

  it('waits until its signal aborts, and gets the reason', async () => {
    const { calls } = hanging()
    const stop = new AbortController()
    const asked = calls[name]?.({ signal: stop.signal })
    await settle()
    stop.abort(new Error('the page was closed'))
    await expect(asked).rejects.toThrow('the page was closed')
  })
})

describe('a sign-in that is begun', () => {
  const discovering = async () => {
    const here = world()
    const http = () => new Promise<never>(() => {})
    const { signIn } = await here.process(
      { hosts: resolveHosts({ issuer: 'https://id.example.com', apiBaseUrl: 'https://api.example.com' }) },
      { http },
    )
    return {
      clock: here.clock,
      begin: (context: Context) => signIn.begin({ redirectUri: 'https://app.example.com/back' }, context),
    }
  }

  it('waits at most for the patience of its caller', async () => {
    const { clock, begin } = await discovering()
    const asked = refusal(begin({ patienceMs: SECOND }))
    await clock.advance(SECOND)
    expect((await asked).code).toBe('deadline_exceeded')
  })

  it('waits until the signal of its caller aborts', async () => {
    const { begin } = await discovering()
    const stop = new AbortController()
    const asked = begin({ signal: stop.signal })
    await settle()
    stop.abort(new Error('the page was closed'))
    await expect(asked).rejects.toThrow('the page was closed')
  })
})

describe('the events of one refresh with a token from outside', () => {
  it('share one correlation id, also if the caller gives none', async () => {
    const here = await issued()
    const now = Math.floor(here.clock.wall() / SECOND)
    const token = jwt({
      sub: ID,
      iat: now,
      exp: now + 3_600,
      scope: 'webmessaging:guest:send webmessaging:guest:receive',
    })
    const before = (await here.events()).length
    await here.guests.refresh(ID, { token })
    const made = (await here.events()).slice(before).filter(({ type }) => !type.startsWith('ACCESS_'))
    expect(made.map(({ type }) => type)).toEqual(['TOKEN_ADOPTED', 'REFRESH_INITIATED', 'REFRESH_COMPLETED'])
    expect(new Set(made.map(({ correlationId }) => correlationId)).size).toBe(1)
  })
})
