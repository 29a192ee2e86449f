import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { DAY, MINUTE } from '../../../src/domain/time.ts'
import type { TokenReady } from '../../../src/guests/events/listeners.ts'
import { ann, applicantWorld, reuse, verified } from '../../world/applicant-world.ts'
import { ID, issued, request } from '../../world/refresh-world.ts'
import { refusal } from '../../world/world.ts'

describe('a token that is ready', () => {
  it('is announced as refreshed with its generation, also to each caller of one refresh', async () => {
    const { guests, clock, upstream } = await issued()
    const heard: TokenReady[] = []
    const own: [number, string][] = []
    guests.onTokenReady((event) => void heard.push(event))
    const onReady = ({ generation, kind }: TokenReady) => void own.push([generation, kind])
    await clock.advance(MINUTE)
    await Promise.all([guests.refresh(ID, { onReady }), guests.refresh(ID, {}, { onReady })])
    expect(upstream.effects(ID)).toBe(1)
    expect(heard).toMatchObject([{ guestId: ID, kind: 'refreshed', generation: 2, successRate: 100 }])
    expect(heard[0]?.tokenIssuedAt).toBe(new Date(clock.wall()).toISOString())
    expect(own).toEqual([
      [2, 'refreshed'],
      [2, 'refreshed'],
    ])
  })

  it('has its latency to a tenth of a millisecond', async () => {
    const { guests, clock, upstream } = await issued()
    upstream.names = (id) => {
      clock.stepWall(12.3456)
      return id
    }
    const heard: number[] = []
    guests.onTokenReady(({ latencyMs }) => void heard.push(latencyMs))
    await guests.refresh(ID, {}, { onReady: ({ latencyMs }) => void heard.push(latencyMs) })
    expect(heard).toEqual([12.3, 12.3])
  })

  it('is announced as issued when it had to be minted', async () => {
    const { guests, clock } = await issued()
    const heard: TokenReady[] = []
    guests.onTokenReady((event) => void heard.push(event))
    await clock.advance(DAY)
    await guests.token(ID)
    expect(heard).toMatchObject([{ kind: 'issued', generation: 2 }])
  })

  it('is announced to the caller with the same kind as to all when it had to be minted', async () => {
    const { guests, clock } = await issued()
    const own: TokenReady[] = []
    await clock.advance(DAY)
    await guests.token(ID, { onReady: (event) => void own.push(event) })
    expect(own).toMatchObject([{ kind: 'issued', generation: 2 }])
  })

  it('is announced for an authenticated guest, also to the caller whose session is reused', async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    const heard: [TokenReady, string][] = []
    guests.onTokenReady((event, token) => void heard.push([event, token.reveal()]))
    const guest = await guests.issue(verified)
    const said = { guestId: guest.guestId, kind: 'issued', generation: 1, claims: { sub: guest.guestId } }
    expect(heard).toMatchObject([[said, guest.token.reveal()]])
    const own: TokenReady[] = []
    await guests.issue(reuse, { onReady: (event) => void own.push(event) })
    expect(own).toMatchObject([said])
    expect(heard).toHaveLength(1)
  })

  it('is announced without claims if it is opaque', async () => {
    const here = applicantWorld()
    const { guests } = await here.process({ tokenFormat: { engagements: 'opaque' } })
    const own: TokenReady[] = []
    await guests.issue(ann, { onReady: (event) => void own.push(event) })
    expect(own).toMatchObject([{ claims: {} }])
  })
})

describe('instants that callers get', () => {
  it('are whole milliseconds, also where the clock counts parts of them', async () => {
    const here = await issued()
    await here.clock.advance(0.25)
    const { guests } = here
    await guests.issue({ ...request, guestId: ID })
    const whole = (value: number | undefined) => expect(Number.isInteger(value)).toBe(true)
    const fresh = await guests.issue({ scopes: request.scopes })
    whole(fresh.expiresAt)
    whole((await guests.show(fresh.guestId)).createdAt)
    whole((await guests.revoke(fresh.guestId)).upstreamValidUntil)
    here.upstream.minting = () => ({ status: 503, headers: { 'retry-after': '90' }, bytes: new Uint8Array() })
    whole((await refusal(guests.issue({ scopes: request.scopes }))).retryAt)
    const signIn = await here.process({ refreshToken: new Secret('seed') })
    whole((await signIn.signIn.begin({ redirectUri: 'https://app.example.com/back', browser: 'b' })).expiresAt)
  })
})
