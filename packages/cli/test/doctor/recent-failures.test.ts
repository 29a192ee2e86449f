import type { Event, Store } from '@guestpass/core'
import { fakeClock } from '@guestpass/core/testing'
import { expect, it } from 'vitest'
import { recentFailures } from '../../src/doctor/recent-failures.ts'

const MINUTE = 60_000

type Recorded = readonly [type: Event['type'], code?: string]

/** The finding after events, the oldest first, that happened so long ago. */
function foundAfter(recorded: readonly Recorded[], agoMs = MINUTE) {
  const clock = fakeClock()
  const at = clock.wall() - agoMs
  const links = recorded
    .map(([type, code]) => ({
      event: {
        type,
        at,
        outcome: code === undefined ? 'success' : 'failure',
        ...(code === undefined ? {} : { error: { code, message: 'See `client.id`.' } }),
      },
    }))
    .toReversed()
  const store = { chain: async () => ({ links }) } as unknown as Pick<Store, 'chain'>
  return recentFailures({ store, connection: 'emea', ports: { clock } })
}

const failedRefresh = ['REFRESH_FAILED', 'upstream_unavailable'] as const
const failedIssue = ['TOKEN_FAILED', 'circuit_open'] as const

it('requests that failed in the last minutes, and none that succeeded since, are a warning', async () => {
  const done = ['REFRESH_COMPLETED'] as const
  expect(await foundAfter([done, failedRefresh, failedRefresh, failedIssue])).toEqual({
    check: 'recent requests',
    state: 'warning',
    message:
      '2 refreshes and 1 issue of guests failed in the last 10 minutes, and none succeeded after that: upstream_unavailable, circuit_open',
    details: ['the last refresh: See connections.emea.clientId.', 'the last issue: See connections.emea.clientId.'],
    remedy: expect.stringContaining('`guestpass audit tail --event REFRESH_FAILED TOKEN_FAILED --connection emea`'),
  })
})

it('an authentication of a guest that failed is a warning, until one succeeds', async () => {
  const failed = ['guest.authentication', 'create_in_doubt'] as const
  expect(await foundAfter([failed])).toMatchObject({
    state: 'warning',
    message: expect.stringContaining('1 authentication of guests failed in the last 10 minutes'),
    remedy: expect.stringContaining('`guestpass audit tail --event guest.authentication --connection emea`'),
  })
  expect(await foundAfter([failed, ['guest.authentication']])).toMatchObject({ state: 'ok' })
})

it.each([
  ['a later success', [failedRefresh, ['REFRESH_COMPLETED']], MINUTE],
  ['failures of an hour ago', [failedRefresh, failedIssue], 60 * MINUTE],
  ['the end of one session', [['REFRESH_FAILED', 'needs_reauth']], MINUTE],
  ['no records', [], MINUTE],
] as const)('%s is ok', async (_, recorded, ago) => {
  expect(await foundAfter(recorded, ago)).toMatchObject({ state: 'ok' })
})
