import { describe, expect, it } from 'vitest'
import { HttpFault } from '../../../src/ports/http.ts'
import { why } from '../../../src/why/why.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'
import { json } from '../../world/fake-upstream.ts'
import { answers, grantServer } from '../../world/grant-server.ts'
import { ID, issued, request } from '../../world/refresh-world.ts'
import { dropped, instead } from '../../world/scripted-answers.ts'
import { advanceUntil, world } from '../../world/world.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { createTryLog } from '../../../src/domain/events/tries.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import type { Event, EventType } from '../../../src/domain/events/event.ts'

const policy = { retry: { retries: 3 } }

/** The data of the latest event of a type. */
const latest = async (here: { events(): Promise<readonly Event[]> }, type: EventType) =>
  (await here.events()).findLast((event) => event.type === type)?.data

describe('the record of a success', () => {
  it('of a refresh has the tries that failed before it, and why says them', async () => {
    const here = await issued({ repeats: true })
    here.upstream.meets(instead(503), dropped('after'))
    await advanceUntil(here.clock, here.guests.refresh(ID))
    expect(await latest(here, 'REFRESH_COMPLETED')).toMatchObject({ tries: 3, failedTries: [503, 'lost'] })
    const { what } = await why('default', { guestId: ID }, here.store)
    expect(what).toContain('generation 2. It took 3 tries (HTTP 503, answer lost). The token is valid until')
  })

  it('names a refused access token, which was renewed', async () => {
    const here = await issued({ repeats: true })
    here.upstream.meets(instead(401))
    await advanceUntil(here.clock, here.guests.refresh(ID))
    expect(await latest(here, 'REFRESH_COMPLETED')).toMatchObject({ tries: 2, failedTries: [401] })
  })

  it('has no tries if the first one succeeded', async () => {
    const here = await issued({ repeats: true })
    await advanceUntil(here.clock, here.guests.refresh(ID))
    await advanceUntil(here.clock, here.guests.issue(request))
    for (const type of ['REFRESH_COMPLETED', 'TOKEN_GENERATED_SUCCESS', 'ACCESS_TOKEN_RENEWED'] as const)
      expect(Object.keys((await latest(here, type)) ?? { none: 1 })).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/tries|none/i)]),
      )
  })

  it('of a new token by client credentials has its failed tries', async () => {
    const here = world()
    const { answering } = await answeringAfter(here, [json(503, {}), 'unsent'])
    here.upstream.token = answering
    const { accessTokens } = await here.process({ policy })
    await advanceUntil(here.clock, accessTokens.token())
    expect(await latest(here, 'ACCESS_TOKEN_RENEWED')).toMatchObject({ tries: 3, failedTries: [503, 'not_sent'] })
  })

  it('of a refreshed sign-in has its failed tries', async () => {
    const here = world()
    const server = grantServer(here.clock)
    here.upstream.token = server.answering
    server.meets(answers(429))
    const { accessTokens } = await here.process({ policy, refreshToken: new Secret(server.issue()) })
    await advanceUntil(here.clock, accessTokens.token())
    expect(await latest(here, 'ACCESS_TOKEN_RENEWED')).toMatchObject({
      grant: 'refresh_token',
      tries: 2,
      failedTries: [429],
    })
  })

  it('of an authentication has the failed tries of its create', async () => {
    const here = applicantWorld()
    const { guests } = await here.process({ policy })
    here.upstream.meets('create', instead(503), instead(503))
    await advanceUntil(here.clock, guests.issue(ann))
    expect(await latest(here, 'guest.authentication')).toMatchObject({ tries: 3, failedTries: [503, 503] })
  })

  it('has the latest ten failed tries, and the number of all', () => {
    const { onFailedTry, data } = createTryLog()
    const failure = new GuestpassError('upstream_unavailable', 'It failed.')
    for (const status of [500, ...Array.from({ length: 10 }, () => 503)]) onFailedTry(failure, status)
    // A failure of another request: that for the access token.
    onFailedTry(failure)
    expect(data()).toEqual({ tries: 12, failedTries: Array.from({ length: 10 }, () => 503) })
  })
})

/** A token endpoint that fails so before it answers. */
async function answeringAfter(
  here: ReturnType<typeof world>,
  failures: readonly (ReturnType<typeof json> | 'unsent')[],
) {
  const answer = here.upstream.token
  const left = [...failures]
  return {
    answering: (...given: Parameters<typeof answer>) => {
      const failure = left.shift()
      if (failure === 'unsent') throw new HttpFault('unsent', 'ENOTFOUND')
      return failure ?? answer(...given)
    },
  }
}
