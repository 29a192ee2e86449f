import { createHash } from 'node:crypto'
import { type Event, Secret } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import { describe, expect, it } from 'vitest'
import { type Evidence, invariantReport } from '../crash-tests/invariant-report.ts'
import { eventClasses, parseMix, createEventPlan } from '../crash-tests/events/event-plan.ts'
import { seededRandom } from '../crash-tests/random.ts'
import { createReport } from '../crash-tests/creates/create-report.ts'
import { correlationOf, emailOf } from '../crash-tests/creates/persons.ts'
import { type SuiteRun, runSuite } from '../crash-tests/suite-run.ts'

const crashTested = (args: string) => runSuite('crash-tests/run.ts', '--seed', '11', ...args.split(' '))

/** The figures that must be 0 in every run. */
const violations = ({ figure }: SuiteRun): readonly number[] =>
  [
    'acknowledged tokens lost',
    'guests with a refresh that took effect twice',
    'persons with a guest too many',
    'creates that were not written down',
    'guests made and lost silently',
    'guests given and lost',
    'guests without a valid token at the end',
    'processes left over',
  ].map(figure)
const NONE = [0, 0, 0, 0, 0, 0, 0, 0]

describe('processes that refresh guest tokens and create guests', { timeout: 240_000 }, () => {
  it('lose and double nothing when they are killed and paused and the network fails', async () => {
    const run = await crashTested('--events 6 --mix kills,pauses,unsent --guests 20 --lives 6-20')
    expect(run.output).toContain('seed 11: 6 events of kills, pauses, unsent')
    expect(run.figure('events'), run.output).toBeGreaterThanOrEqual(6)
    expect(run.figure('refreshes that took effect upstream'), run.output).toBeGreaterThan(0)
    expect(run.figure('guests that upstream made'), run.output).toBeGreaterThan(0)
    expect(violations(run), run.output).toEqual(NONE)
    expect(run.exit, run.output).toBe(0)
  })
})

describe('the invariant report of refreshes', () => {
  const START = Date.parse('2026-01-01T00:00:00Z')
  const at = (seconds: number): number => START + seconds * 1_000
  const base = {
    connection: 'default',
    kind: 'guest',
    api: 'guest-tokens',
    status: 'active',
    createdAt: START,
  } as const
  const about = { actor: 'cli', connection: 'default', subject: 's', correlationId: 'c' } as const

  const guest = (generation: number, intent?: string): Credential => ({
    ...base,
    id: 'g',
    subject: 's',
    generation,
    tokens: {
      access: new Secret(`token ${generation}`),
      scopes: [],
      verified: true,
      sentAt: START,
      expiresAt: at(10),
      renewAt: at(7),
    },
    ...(intent === undefined ? {} : { intent: { id: intent, action: 'refresh', holder: 'h', startedAt: START } }),
  })
  const event = (type: Event['type'], generation: number, seconds: number, more: object = {}): Event =>
    ({
      ...about,
      id: `${type} ${generation} ${seconds}`,
      type,
      outcome: 'success',
      at: at(seconds),
      generation,
      data: { durationSeconds: 10 },
      ...more,
    }) as Event
  const initiated = (key: string, generation: number): Event =>
    event('REFRESH_INITIATED', generation, 5, { idempotencyKey: key })
  const completed = (key: string, generation: number, seconds = 5): Event =>
    event('REFRESH_COMPLETED', generation, seconds, { idempotencyKey: key })
  const minted = event('TOKEN_GENERATED_SUCCESS', 1, 0)
  let seq = 0
  const refreshed = (key: string, seconds = 5, more: Partial<JournalEntry> = {}): JournalEntry => ({
    seq: (seq += 1),
    at: new Date(at(seconds)).toISOString(),
    method: 'POST',
    path: '/',
    operation: 'refresh',
    status: 200,
    headers: { 'idempotency-key': key },
    body: {},
    guestId: 'g',
    refreshes: 1,
    ...more,
  })
  const found = (evidence: Partial<Evidence>) =>
    invariantReport({ acknowledged: [], journal: [], credentials: [guest(1)], events: [minted], ...evidence })
  const acknowledgedToken = (generation: number, token: string) => ({ guestId: 'g', generation, token })

  it('finds no violation when each refresh took effect once and its token is stored', () => {
    expect(
      found({
        acknowledged: [acknowledgedToken(1, 'token 1'), acknowledgedToken(2, 'token 2')],
        journal: [refreshed('a', 5, { status: null }), refreshed('a', 6, { replayed: true })],
        credentials: [guest(2)],
        events: [minted, initiated('a', 1), completed('a', 2)],
      }),
    ).toMatchObject({
      effects: 1,
      completed: 1,
      open: 0,
      late: 0,
      lostTokens: [],
      doubledRefreshes: [],
      inconsistencies: [],
      lapses: [],
    })
  })

  it.each([
    ['the store has an earlier generation', [acknowledgedToken(2, 'token 2')]],
    ['the store has another token of that generation', [acknowledgedToken(1, 'another')]],
    ['two of one generation differ', [acknowledgedToken(0, 'one'), acknowledgedToken(0, 'other')]],
  ])('finds a lost token when %s', (_, acknowledged) => {
    expect(found({ acknowledged }).lostTokens).toHaveLength(1)
  })

  it('finds a lost token when the guest is not in the store', () => {
    expect(found({ acknowledged: [acknowledgedToken(1, 'token 1')], credentials: [] }).lostTokens).toHaveLength(1)
  })

  it('counts a refresh as open, not as doubled, when its key is in the store', () => {
    const evidence = { journal: [refreshed('a')], events: [minted, initiated('a', 1)] }
    expect(found({ ...evidence, credentials: [guest(1, 'a')] })).toMatchObject({ open: 1, doubledRefreshes: [] })
    expect(found({ ...evidence, credentials: [guest(1, 'b')] })).toMatchObject({
      open: 0,
      doubledRefreshes: [{ guestId: 'g' }],
    })
  })

  it('counts a refresh as late, not as doubled, when an event says that its token had expired', () => {
    const failed = (reason: string): Event =>
      event('REFRESH_FAILED', 1, 30, { idempotencyKey: 'a', error: { code: 'token_refused', message: '', reason } })
    const evidence = { journal: [refreshed('a')] }
    expect(found({ ...evidence, events: [minted, initiated('a', 1), failed('expired')] })).toMatchObject({
      late: 1,
      doubledRefreshes: [],
    })
    expect(
      found({ ...evidence, events: [minted, initiated('a', 1), failed('signature')] }).doubledRefreshes,
    ).toHaveLength(1)
  })

  it.each([
    ['one key took effect twice', ['a', 'a'], [initiated('a', 1)]],
    ['two keys of one generation took effect', ['a', 'b'], [initiated('a', 1), initiated('b', 1)]],
    ['a key took effect that no event records', ['a', 'x'], [initiated('a', 1)]],
  ])('finds a doubled refresh when %s', (_, keys, events) => {
    const journal = keys.map((key) => refreshed(key))
    const evidence = { journal, credentials: [guest(2)], events: [minted, ...events, completed('a', 2)] }
    expect(found(evidence).doubledRefreshes).toHaveLength(1)
  })

  it.each([
    ['one key', ['a', 'a'], []],
    ['two keys of one generation', ['a', 'b'], [initiated('a', 1), initiated('b', 1)]],
  ])('finds a doubled refresh by %s, also when an event records one that never took effect', (_, keys, events) => {
    const journal = keys.map((key) => refreshed(key))
    const recorded = [minted, ...events, completed('a', 2), completed('c', 3)]
    expect(found({ journal, credentials: [guest(3)], events: recorded }).doubledRefreshes).toHaveLength(1)
  })

  it('finds a doubled refresh when its key was replaced by a mint and no event says why', () => {
    const given = guest(1, 'a')
    const credential: Credential = { ...given, intent: { id: 'a', action: 'mint', holder: 'h', startedAt: START } }
    const evidence = { journal: [refreshed('a')], credentials: [credential], events: [minted, initiated('a', 1)] }
    expect(found(evidence)).toMatchObject({ open: 0, doubledRefreshes: [{ guestId: 'g' }] })
  })

  it('finds an inconsistency when events omit a generation, repeat it, or record a refresh without effect', () => {
    expect(found({ credentials: [guest(2)] }).inconsistencies).toHaveLength(1)
    expect(found({ events: [minted, event('TOKEN_GENERATED_SUCCESS', 1, 1)] }).inconsistencies).toHaveLength(1)
    expect(found({ credentials: [guest(2)], events: [minted, completed('a', 2)] }).inconsistencies).toHaveLength(1)
  })

  it('finds a lapse when the next token came after the end of the one before', () => {
    const evidence = (seconds: number) => ({
      journal: [refreshed('a', 9, { fault: { delayMs: 500 } }), refreshed('b', seconds)],
      credentials: [guest(3)],
      events: [minted, completed('a', 2, 9.5), completed('b', 3, seconds)],
    })
    expect(found(evidence(19.4)).lapses).toEqual([])
    expect(found(evidence(20)).lapses).toEqual([{ lifeMs: 10_000, gapMs: 500 }])
  })
})

describe('the report of creates', () => {
  const about = {
    actor: 'library',
    connection: 'signed-in',
    subject: 's',
    generation: 0,
    at: 0,
    outcome: 'pending',
  } as const
  const event = (type: Event['type'], nth = 0): Event =>
    ({ ...about, id: type, type, correlationId: correlationOf('external-users', nth, 'c') }) as Event
  const masked = (email: string): string => `sha256:${createHash('sha256').update(email).digest('hex').slice(0, 12)}`
  const made = (created: number, nth = 0): JournalEntry => ({
    seq: created,
    at: '2026-01-01T00:00:00Z',
    method: 'POST',
    path: '/api/v2/externalusers/guests',
    operation: 'create',
    status: 201,
    headers: {},
    body: { email: masked(emailOf('external-users', nth)) },
    created,
  })
  const found = (journal: readonly JournalEntry[], events: readonly Event[]) =>
    createReport({ given: [], journal, credentials: [], events, persons: { engagements: 0, 'external-users': 2 } })

  it('finds no violation when each create is recorded, and a second one as orphaned', () => {
    const initiated = event('GUEST_CREATE_INITIATED')
    expect(found([made(1)], [initiated])).toMatchObject({ made: 1, doubled: [], undeclared: [], silent: [] })
    const again = [initiated, initiated, event('GUEST_ORPHANED')]
    expect(found([made(1), made(2)], again)).toMatchObject({ made: 2, orphaned: 1, doubled: [], undeclared: [] })
  })

  it('finds a doubled guest when no event records the second one, although another person has an orphan', () => {
    const initiated = event('GUEST_CREATE_INITIATED')
    const events = [initiated, initiated, event('GUEST_ORPHANED', 1)]
    expect(found([made(1), made(2)], events).doubled).toHaveLength(1)
  })

  it('finds a create undeclared and silent when no event records that it took effect', () => {
    expect(found([made(1)], [])).toMatchObject({ undeclared: [expect.any(String)], silent: [expect.any(String)] })
  })

  it('finds a lost guest when a worker got one that the store does not have', () => {
    const given = [{ api: 'external-users', nth: 0, guestId: 'g', generation: 1 }] as const
    const evidence = {
      given,
      journal: [],
      credentials: [],
      events: [],
      persons: { engagements: 0, 'external-users': 1 },
    }
    expect(createReport(evidence).lost).toHaveLength(1)
  })
})

describe('an event plan', () => {
  it('has each class by its weight, and at least once', () => {
    const own = createEventPlan(100, eventClasses)
    const begun = Array.from({ length: 100 }, () => own.begin(seededRandom(1), eventClasses))
    expect(own.begin(seededRandom(1), eventClasses)).toBeUndefined()
    for (const one of begun) if (one) own.end(one, true)
    expect([own.counts, own.isDone]).toEqual([{ kills: 40, pauses: 20, unsent: 20, disk: 5, clock: 15 }, true])
    expect(createEventPlan(3, ['disk', 'clock']).isDone).toBe(false)
  })

  it('begins an event again that did not happen', () => {
    const own = createEventPlan(1, ['kills'])
    expect([own.begin(seededRandom(1), ['kills']), own.begin(seededRandom(1), ['kills'])]).toEqual(['kills', undefined])
    own.end('kills', false)
    expect([own.begin(seededRandom(1), ['kills']), own.isDone]).toEqual(['kills', false])
  })

  it('accepts only known classes', () => {
    expect(parseMix('clock, kills')).toEqual(['kills', 'clock'])
    expect(() => parseMix('kills,storms')).toThrow('storms')
  })
})

describe('seeded random', () => {
  it('repeats for the same seed, and differs for each name', () => {
    const draw = (seed: number, name: string): number[] => {
      const own = seededRandom(seed).fork(name)
      return Array.from({ length: 5 }, () => own.whole(1, 1_000_000))
    }
    expect(draw(7, 'keeper 0')).toEqual(draw(7, 'keeper 0'))
    expect(draw(7, 'keeper 1')).not.toEqual(draw(7, 'keeper 0'))
    expect(draw(8, 'keeper 0')).not.toEqual(draw(7, 'keeper 0'))
  })

  it('is uniform, and follows weights', () => {
    const own = seededRandom(1)
    const floats = Array.from({ length: 10_000 }, () => own.between(0, 1))
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...floats)).toBeLessThan(1)
    for (let tenth = 0; tenth < 10; tenth += 1) {
      expect(floats.filter((one) => Math.floor(one * 10) === tenth).length).toBeGreaterThan(800)
    }
    const rare = Array.from({ length: 10_000 }, () =>
      own.weighted([
        [1, 'rare'],
        [9, 'usual'],
      ]),
    ).filter((one) => one === 'rare')
    expect(rare.length).toBeGreaterThan(800)
    expect(rare.length).toBeLessThan(1_200)
  })
})
