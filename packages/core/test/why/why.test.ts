import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Event, EventType } from '../../src/domain/events/event.ts'
import { DAY, HOUR, MINUTE } from '../../src/domain/time.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { credential, event, HOME, put } from '../../src/testing/store-contract/samples.ts'
import { causes } from '../../src/why/causes.ts'
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
  })

  it('has a row of the page for every cause, with its sentences', async () => {
    const page = await readFile(new URL('../../../../docs/why.md', import.meta.url), 'utf8')
    const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.split(' | ').length === 4)
    expect(rows).toEqual(
      Object.entries(causes).map(
        ([cause, { happened, why: reason, prevention }]) =>
          `| \`${cause}\` | ${happened.replaceAll('_', ' ')} | ${reason} | ${prevention} |`,
      ),
    )
  })
})
