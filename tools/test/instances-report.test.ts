import type { Event } from '@guestpass/core'
import { Secret } from '@guestpass/core'
import type { GuestCredential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../instances/final-check/evidence.ts'
import { reportOf } from '../instances/final-check/report.ts'
import { missingWebhooks } from '../instances/final-check/webhooks.ts'
import type { ReceivedWebhook } from '../instances/receiver.ts'
import { type Answers, noAnswers } from '../instances/traffic/answers.ts'

const guest = (id: string, more: object = {}): GuestCredential =>
  ({
    kind: 'guest',
    id,
    api: 'guest-tokens',
    subject: `subject of ${id}`,
    status: 'active',
    generation: 1,
    tokens: { access: new Secret('test-secret-one') },
    ...more,
  }) as unknown as GuestCredential

const event = (type: Event['type'], more: object = {}): Event =>
  ({ id: type, type, subject: 'subject of g', generation: 1, correlationId: 'visit:0:c', data: {}, ...more }) as Event

const given = { guestId: 'g', generation: 1, token: 'test-secret-one' }

const evidence = (more: Partial<Evidence> = {}, answers: Partial<Answers> = {}): Evidence => ({
  answers: { ...noAnswers(), tokens: [given], ...answers },
  journal: [],
  guests: [guest('g')],
  grants: [],
  events: [event('TOKEN_GENERATED_SUCCESS')],
  received: [],
  ...more,
})

describe('the report on instances', () => {
  it('finds nothing if the store has what was acknowledged', () => {
    expect(reportOf(evidence())).toMatchObject({ lost: [], doubled: [] })
  })

  it.each<[string, Evidence]>([
    ['guest', evidence({ guests: [], events: [] })],
    ['token', evidence({}, { tokens: [{ ...given, token: 'test-secret-other' }] })],
    ['generation', evidence({}, { tokens: [{ ...given, generation: 2 }] })],
    ['revocation', evidence({}, { revoking: new Set(['g']), revoked: new Set(['g']) })],
    ['access token', evidence({}, { accessTokens: [{ generation: 1, token: 'test-secret-access' }] })],
  ])('finds an acknowledged %s that the store does not have', (_, found) => {
    expect(reportOf(found).lost.length).toBeGreaterThan(0)
  })

  it('finds a guest that is revoked although no request asked for it', () => {
    const revoked = guest('g', { status: 'revoked', generation: 2 })
    expect(reportOf(evidence({ guests: [revoked] })).lost).toHaveLength(1)
    expect(reportOf(evidence({ guests: [revoked] }, { revoking: new Set(['g']) })).lost).toEqual([])
  })

  const request = { key: 'visit:0', body: { guestId: 'g', scopes: [] }, unclear: 0, answers: new Set(['{}']) }
  const mint = { operation: 'mint', status: 200, guestId: 'g' } as JournalEntry
  const renewal = (id: string): ReceivedWebhook => {
    const body = { guestSessionId: 'g', generation: 2 }
    return { endpoint: 'idp', id, result: 'handled', body }
  }
  const renewed = (id: string): Event => event('REFRESH_COMPLETED', { id, generation: 2 })
  it.each<[string, Evidence]>([
    ['two tokens of a generation', evidence({}, { tokens: [given, { ...given, token: 'test-secret-other' }] })],
    ['two answers to a key', evidence({}, { keyed: [{ ...request, answers: new Set(['{}', '[]']) }] })],
    [
      'two guests for a key',
      evidence({ events: [event('TOKEN_GENERATED_SUCCESS'), event('TOKEN_GENERATED_SUCCESS', { subject: 'other' })] }),
    ],
    ['two mints for a key', evidence({ journal: [mint, mint] }, { keyed: [request] })],
    [
      'one renewal sent under two ids',
      evidence({ events: [renewed('1'), renewed('2')], received: [renewal('1'), renewal('2')] }),
    ],
  ])('finds %s', (_, found) => {
    expect(reportOf(found).doubled.length).toBeGreaterThan(0)
  })

  it('takes a second mint for the repeat of a request without an answer', () => {
    const found = evidence({ journal: [mint, mint] }, { keyed: [{ ...request, unclear: 1 }] })
    expect(reportOf(found).doubled).toEqual([])
  })

  it('takes a refresh that a revocation ended for declared by its event, and one without it for doubled', () => {
    const journal = [
      {
        operation: 'refresh',
        refreshes: 1,
        guestId: 'g',
        at: '2026-01-01T00:00:00Z',
        headers: { 'idempotency-key': 'k' },
      },
    ] as unknown as Evidence['journal']
    const guests = [guest('g', { status: 'revoked', generation: 2 })]
    const before = [event('TOKEN_GENERATED_SUCCESS'), event('REFRESH_INITIATED', { idempotencyKey: 'k' })]
    const error = { code: 'in_doubt', reason: 'revoked' }
    const ended = event('REFRESH_FAILED', { idempotencyKey: 'k', error })
    const answers = { revoking: new Set(['g']) }
    const doubled = (events: readonly Event[]) => reportOf(evidence({ journal, guests, events }, answers)).doubled
    expect(doubled([...before, ended])).toEqual([])
    expect(doubled(before)).toHaveLength(1)
  })

  it('takes a refresh by a refresh token that a revocation ended for declared by its event alone', () => {
    const refresh = {
      operation: 'refresh',
      guestId: 'e',
      presented: 1,
      status: 200,
      at: '2026-01-01T00:00:00Z',
      body: {},
    }
    const journal = [refresh] as unknown as Evidence['journal']
    const guests = [guest('g'), guest('e', { api: 'engagements', status: 'revoked', generation: 2 })]
    const error = { code: 'in_doubt', reason: 'revoked' }
    const ended = event('REFRESH_FAILED', { subject: 'subject of e', idempotencyKey: 'k', error })
    const lost = (events: readonly Event[]) =>
      reportOf(evidence({ journal, guests, events }, { revoking: new Set(['e']) })).lost
    expect(lost([event('TOKEN_GENERATED_SUCCESS'), ended])).toEqual([])
    expect(lost([event('TOKEN_GENERATED_SUCCESS')])).toEqual([
      expect.stringContaining('lost silently: guest e (revoked)'),
    ])
  })

  it('finds an event that was not delivered to its endpoint', () => {
    expect(missingWebhooks([renewed('1'), renewed('2')], [renewal('1')])).toEqual([{ endpoint: 'idp', id: '2' }])
  })
})
