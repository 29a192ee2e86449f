import { describe, expect, it } from 'vitest'
import { SECOND } from '../../src/domain/time.ts'
import type { Guests } from '../../src/guests/guests.ts'
import { HttpFault } from '../../src/ports/http.ts'
import { askedUntilThirdTry, granted, held } from '../world/fake-upstream.ts'
import { outcome, advanceUntil, refusal, world } from '../world/world.ts'

const CONTEXT = { patienceMs: 3 * SECOND }
const EPHEMERAL = { api: 'guest-tokens', scopes: ['webmessaging:guest:send'] } as const
const PERSON = { api: 'engagements', email: 'ann@mail.example', consent: true, channelId: 'web-1' } as const

const issuing =
  (request: typeof EPHEMERAL | typeof PERSON) =>
  (guests: Guests): Promise<unknown> =>
    guests.issue(request, CONTEXT)

describe('a caller whose patience ends', () => {
  it.each([
    ['a guest token', issuing(EPHEMERAL)],
    ['a guest of a person', issuing(PERSON)],
  ])('gets the reason why no access token came, for %s', async (_, ask) => {
    const here = world()
    const { guests, accessTokens } = await here.process({ gateway: true, policy: { retry: { retries: 3 } } })
    const refused = (): never => {
      throw new HttpFault('unsent', 'ECONNREFUSED')
    }
    const { asked, release } = await askedUntilThirdTry(here.upstream, refused, () => refusal(ask(guests)))
    await here.clock.advance(3 * SECOND)
    expect(await asked).toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringMatching(/not done within 3 s.* The last failure: token: .*ECONNREFUSED/),
      cause: { code: 'upstream_unavailable' },
    })
    release()
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-1')
  })

  it('gets no failure when no try failed', async () => {
    const here = world()
    const { guests, accessTokens } = await here.process({ gateway: true, policy: { retry: { retries: 3 } } })
    await accessTokens.token()
    here.upstream.mint = held(() => granted(1)).answering
    const { message, cause } = await advanceUntil(here.clock, refusal(guests.issue(EPHEMERAL, CONTEXT)))
    expect(message).toMatch(/not done within 3 s .*Ask again/)
    expect([message.includes('The last failure'), cause]).toEqual([false, undefined])
  })
})
