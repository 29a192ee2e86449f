import { describe, expect, it } from 'vitest'
import type { Event, EventType } from '../../src/domain/events/event.ts'
import { DAY, HOUR, MINUTE } from '../../src/domain/time.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { credential, event, HOME, put } from '../../src/testing/store-contract/samples.ts'
import { why } from '../../src/why/why.ts'

const AT = Date.UTC(2026, 0, 1)
const GUEST = 'guest-1'

/** A stored guest with records as a former version wrote them. */
async function world(...records: readonly (readonly [EventType, Partial<Event>])[]) {
  const clock = fakeClock(AT)
  const store = memoryStore({ clock })
  await put(store, credential(GUEST, 1))
  const events = records.map(([type, more], nth) =>
    event(`${nth + 1}`, {
      type,
      subject: `subject-of-${GUEST}`,
      at: AT + nth,
      correlationId: `c-${nth}`,
      ...more,
    }),
  )
  await store.commit({ connection: HOME, events })
  return { clock, store, ask: (at?: number) => why(HOME, { guestId: GUEST, at }, store) }
}

const data = { api: 'guest-tokens', durationSeconds: 3_600, scopes: [] }

describe('an explanation', () => {
  it.each<[string, readonly (readonly [EventType, Partial<Event>])[], string]>([
    [
      'the first token',
      [['TOKEN_GENERATED_SUCCESS', { generation: 1, data: { ...data, verified: true } }]],
      'first_token',
    ],
    [
      'a renewal of the keeper',
      [['REFRESH_COMPLETED', { generation: 2, actor: 'keeper', data: { ...data, verified: true } }]],
      'due',
    ],
    ['a refresh of a caller', [['REFRESH_COMPLETED', { generation: 2, data: { ...data, verified: true } }]], 'asked'],
    ['a revocation', [['TOKEN_REVOKED', { data: { api: 'guest-tokens', upstream: 'unsupported' } }]], 'revoked'],
    ['no record at all', [], 'no_records'],
  ])('of %s is given for records of former versions, too', async (_, records, cause) => {
    const { ask } = await world(...records)
    expect(await ask(AT + MINUTE)).toMatchObject({ guestId: GUEST, cause })
  })

  it('of the subject of an access token says that it is of no guest, and gives its last record', async () => {
    const { store } = await world()
    const error = { code: 'client_rejected', message: 'The secret is wrong.' } as const
    const failed = event('9', { type: 'ACCESS_TOKEN_FAILED', subject: 'access', at: AT, outcome: 'failure', error })
    await store.commit({ connection: HOME, events: [failed] })
    const found = await why(HOME, { subject: 'access', at: AT + MINUTE }, store)
    expect(found).toMatchObject({ cause: 'access_token', happened: 'unknown', records: [{ at: AT }] })
    expect(found.why).toBe("That subject is of the connection's access token, not of a guest.")
    expect(found.what).toBe(
      'Its last record is ACCESS_TOKEN_FAILED, at 2026-01-01T00:00:00.000Z, client_rejected: The secret is wrong.',
    )
  })

  it('takes the end of a token of former versions from the requested duration', async () => {
    const { ask } = await world(['TOKEN_GENERATED_SUCCESS', { generation: 1, data: { ...data, verified: true } }])
    expect(await ask(AT + HOUR - 1)).toMatchObject({ cause: 'first_token' })
    expect(await ask(AT + HOUR)).toMatchObject({ cause: 'keeper_not_running', happened: 'ended' })
  })

  it('does not take the removal of a guest by retention for its use', async () => {
    const { ask, clock, store } = await world(
      ['TOKEN_GENERATED_SUCCESS', { generation: 1, data: { ...data, durationSeconds: 172_800, verified: true } }],
      ['GUEST_REMOVED', { actor: 'retention', at: AT + 32 * DAY, data: { api: 'guest-tokens', status: 'active' } }],
    )
    await clock.advance(40 * DAY)
    await store.touch(HOME, GUEST)
    expect((await ask(AT + 35 * DAY)).cause).toBe('unused')
  })

  it('rests on the records of the request that decided, in their order', async () => {
    const { ask } = await world(
      ['TOKEN_GENERATED_SUCCESS', { generation: 1, data: { ...data, verified: true }, correlationId: 'first' }],
      ['REFRESH_INITIATED', { outcome: 'pending', generation: 1, data, correlationId: 'second' }],
      ['WEBHOOK_SYNCED', { correlationId: 'second' }],
      [
        'REFRESH_FAILED',
        {
          outcome: 'failure',
          generation: 1,
          data,
          correlationId: 'second',
          error: { code: 'upstream_busy', message: 'The upstream answered 429.' },
        },
      ],
    )
    const { what, records, cause, happened } = await ask(AT + MINUTE)
    expect([cause, happened, records.map(({ count }) => count)]).toEqual(['rate_limited', 'failed', [1, 2, 4]])
    expect(what).toBe(
      'A refresh failed at 2026-01-01T00:00:00.003Z: The upstream answered 429. The token is valid until 2026-01-01T01:00:00.000Z.',
    )
    expect((await ask(AT + 1)).cause).toBe('under_way')
  })

  it('does not advise to look after a lost answer, because the refresh is tried once more without the caller', async () => {
    const message =
      'refresh: socket hang up Connection default, 1 try. The upstream may have acted on it: look before asking again.'
    const { ask } = await world([
      'REFRESH_FAILED',
      { outcome: 'failure', generation: 1, data, error: { code: 'in_doubt', message } },
    ])
    const { cause, what } = await ask(AT + MINUTE)
    expect(cause).toBe('answer_lost')
    expect(what).toMatch(/1 try\.$/)
  })

  it('is refused for an unknown guest and for a malformed id', async () => {
    const { store } = await world()
    await expect(why(HOME, { guestId: 'unknown' }, store)).rejects.toMatchObject({ code: 'guest_unknown' })
    await expect(why(HOME, { guestId: '' }, store)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(why('', { guestId: GUEST }, store)).rejects.toMatchObject({ code: 'config_invalid' })
    const wrong = { guestId: GUEST, api: 'guests', at: Number.NaN, keepForMs: '24 h', until: 0 }
    await expect(why(HOME, wrong as never, store)).rejects.toMatchObject({
      code: 'config_invalid',
      fields: ['api', 'at', 'keepForMs', 'until'].map((name) => ({ field: `question.${name}` })),
    })
    await expect(why(HOME, undefined as never, store)).rejects.toMatchObject({ fields: [{ field: 'question' }] })
    await expect(why(HOME, { subject: 'unknown' }, store)).rejects.toMatchObject({ code: 'guest_unknown' })
    for (const given of [{}, { guestId: GUEST, subject: 's' }])
      await expect(why(HOME, given, store)).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('is given for the subject of records that lead to no guest', async () => {
    const { store } = await world()
    const about = { subject: 'first-token-failed', correlationId: 'c', generation: 0, data }
    const error = { code: 'upstream_unavailable' as const, message: 'mint: the upstream answered 503.' }
    await store.commit({
      connection: HOME,
      events: [
        event('1', { ...about, type: 'TOKEN_REQUEST_INITIATED', outcome: 'pending', at: AT }),
        event('2', { ...about, type: 'TOKEN_FAILED', outcome: 'failure', at: AT + 1, error }),
      ],
    })
    const answer = await why(HOME, { subject: 'first-token-failed', at: AT + MINUTE }, store)
    expect(answer).toMatchObject({ api: 'guest-tokens', cause: 'upstream_failing', happened: 'refused' })
    expect(answer).not.toHaveProperty('guestId')
    expect(answer.records.map(({ count }) => count)).toEqual([1, 2])
  })

  it('names the failures of other guests that opened the circuit', async () => {
    const failure = (at: number, statusCode: number, operation = 'refresh') =>
      ({
        subject: 'another',
        outcome: 'failure',
        at,
        statusCode,
        generation: 1,
        data,
        error: { code: 'upstream_unavailable', message: `${operation}: the upstream answered.` },
      }) as const
    const { ask } = await world(
      ['REFRESH_FAILED', failure(AT - HOUR, 500)],
      ['REFRESH_FAILED', failure(AT + 1, 503)],
      ['REFRESH_FAILED', { ...failure(AT + 2, 404), error: { code: 'upstream_rejected', message: 'refresh: no.' } }],
      ['TOKEN_FAILED', failure(AT + 2, 500, 'mint')],
      [
        'REFRESH_FAILED',
        {
          ...failure(AT + 3, 0),
          subject: `subject-of-${GUEST}`,
          error: { code: 'circuit_open', message: 'refresh: paused.' },
        },
      ],
    )
    const { cause, what, records } = await ask(AT + MINUTE)
    expect(cause).toBe('circuit_open')
    expect(what).toContain('The latest failures before it: 2026-01-01T00:00:00.001Z HTTP 503.')
    expect(records.map(({ count }) => count)).toEqual([2, 5])
  })
})

describe('an explanation of a guest with thousands of records', () => {
  const REFRESHES = 5_000
  const SPACE = 5 * MINUTE

  async function longHistory() {
    const clock = fakeClock(AT)
    const store = memoryStore({ clock })
    await put(store, credential(GUEST, 1))
    const about = { subject: `subject-of-${GUEST}`, actor: 'keeper' }
    for (let nth = 0; nth < REFRESHES; nth += 500) {
      const events = Array.from({ length: 500 }, (_, of) => {
        const [generation, at] = [nth + of + 1, AT + (nth + of) * SPACE]
        const token = { ...data, verified: true, tokenExpiry: new Date(at + HOUR).toISOString() }
        const shared = { ...about, at, correlationId: `c-${generation}` }
        const start = { ...data, trigger: 'due' as const }
        return [
          event(`a-${generation}`, {
            ...shared,
            type: 'REFRESH_INITIATED',
            outcome: 'pending',
            generation: generation - 1,
            data: start,
          }),
          event(`b-${generation}`, { ...shared, type: 'REFRESH_COMPLETED', generation, data: token }),
        ]
      })
      await store.commit({ connection: HOME, events: events.flat() })
    }
    await clock.advance(REFRESHES * SPACE)
    const reads: number[] = []
    const counted = {
      ...store,
      chain: (...[connection, page]: Parameters<typeof store.chain>) => {
        reads.push(page.limit)
        return store.chain(connection, page)
      },
    }
    return { clock, reads, ask: (at?: number) => why(HOME, { guestId: GUEST, at }, counted) }
  }

  it('reads one page from the end, and a few more from a time before', async () => {
    const { ask, reads } = await longHistory()
    expect((await ask()).cause).toBe('due')
    expect(reads.splice(0)).toEqual([200])
    const { records } = await ask(AT + 100 * SPACE + MINUTE)
    expect(records.map(({ count }) => count)).toEqual([201, 202])
    // The place of the time is found by halving: 10,000 records take 14 reads of one.
    expect(reads.filter((limit) => limit === 1).length).toBeLessThanOrEqual(14)
    expect(reads.filter((limit) => limit > 1)).toEqual([200, 200])
    reads.splice(0)
    expect((await ask(AT - MINUTE)).cause).toBe('not_yet')
    expect(reads.length).toBeLessThanOrEqual(16)
  })

  it('rests on the latest 2,000 records if none of them decides', async () => {
    const clock = fakeClock(AT)
    const store = memoryStore({ clock })
    await put(store, credential(GUEST, 1))
    const error = { code: 'upstream_unavailable' as const, message: 'refresh: the upstream answered 503.' }
    const failures = Array.from({ length: 3_000 }, (_, nth) =>
      event(`${nth}`, {
        type: 'REFRESH_FAILED',
        outcome: 'failure',
        subject: `subject-of-${GUEST}`,
        at: AT,
        correlationId: `c-${nth}`,
        data,
        error,
      }),
    )
    await store.commit({ connection: HOME, events: failures })
    let read = 0
    const counted = {
      ...store,
      chain: async (...[connection, page]: Parameters<typeof store.chain>) => {
        const found = await store.chain(connection, page)
        read += found.links.length
        return found
      },
    }
    expect((await why(HOME, { guestId: GUEST }, counted)).cause).toBe('upstream_failing')
    expect(read).toBe(2_000)
  })
})
