import { memoryStore } from '@guestpass/core'
import { settingName, settingNamesIn } from '@guestpass/runtime'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { createOwnerNames, recordLine } from '../../src/audit/record-line.ts'
import { renderedLine } from '../../src/commands/runner/styled-line.ts'

const record = {
  timestamp: '2026-01-31T08:00:00.000Z',
  eventId: 'e',
  eventType: 'REFRESH_FAILED',
  outcome: 'failure',
  actor: 'keeper',
  connection: 'default',
  subject: 's',
  generation: 2,
  correlationId: 'c',
  latencyMs: 41.5,
  statusCode: 503,
  idempotencyKey: null,
  error: { code: 'upstream_unavailable', message: 'The upstream answered 503.' },
  data: { webhook: 'idp' },
} as const

describe('the line of an audit record', () => {
  it('says time, event, outcome, actor, owner, and what the record knows besides', () => {
    expect(renderedLine(recordLine(record, 'guest 7'), false)).toBe(
      '2026-01-31T08:00:00.000Z  REFRESH_FAILED           failure  keeper      guest 7, generation 2, webhook idp, 41.5 ms, HTTP 503, upstream_unavailable: The upstream answered 503.',
    )
    const bare = { ...record, generation: 0, latencyMs: null, statusCode: null, error: null, data: {} }
    expect(renderedLine(recordLine({ ...bare, outcome: 'success' }, 'sign-in'), true)).toContain(
      '\u001b[32msuccess\u001b[39m  keeper      sign-in',
    )
  })
})

describe('the line of a refused client', () => {
  it('names settings as the caller wants them', () => {
    const error = { code: 'client_rejected', message: 'Check `client.id` and `client.secret`.' } as const
    const named = (text: string) => settingNamesIn(text, (key) => settingName(key, 'default'))
    expect(renderedLine(recordLine({ ...record, error }, 'sign-in', named), false)).toMatch(
      /Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET\.$/,
    )
  })
})

describe('the line of a success that had failed tries before it', () => {
  it('says how many tries there were, and how they failed', () => {
    const success = { ...record, outcome: 'success', statusCode: 200, error: null } as const
    const survived = { ...success, data: { tries: 3, failedTries: [503, 'lost'] } }
    expect(renderedLine(recordLine(survived, 'guest 7'), false)).toContain(
      'guest 7, generation 2, 3 tries (HTTP 503, answer lost), 41.5 ms, HTTP 200',
    )
    const many = { ...success, data: { tries: 12, failedTries: [429, 'not_sent', 'unreadable'] } }
    expect(renderedLine(recordLine(many, 'guest 7'), false)).toContain(
      '12 tries (…, HTTP 429, not sent, unreadable answer)',
    )
  })
})

describe('the owner of a subject', () => {
  it('is named as people know it, and looked up once', async () => {
    const store = memoryStore({ clock: fakeClock() })
    const base = { connection: 'default', generation: 0, status: 'active', createdAt: 0 } as const
    await store.commit({
      connection: 'default',
      writes: [
        {
          credential: { ...base, kind: 'guest', id: 'row', upstreamId: 'g-1', api: 'engagements', subject: 'a' },
          expect: { generation: 0 },
        },
        { credential: { ...base, kind: 'grant', id: 'x', api: 'oauth', subject: 'b' }, expect: { generation: 0 } },
        { credential: { ...base, kind: 'access', id: 'y', api: 'oauth', subject: 'c' }, expect: { generation: 0 } },
      ],
    })
    let reads = 0
    const counted = {
      findBySubject: async (connection: string, subject: string) => {
        reads += 1
        return store.findBySubject(connection, subject)
      },
    }
    const ownerOf = createOwnerNames(counted, 'default')
    const nameOf = (subject: string): Promise<string> => ownerOf({ subject, eventType: 'REFRESH_COMPLETED' })
    expect([await nameOf('a'), await nameOf('b'), await nameOf('c'), await nameOf('d'), await nameOf('a')]).toEqual([
      'guest g-1',
      'sign-in',
      'access token',
      'subject d',
      'guest g-1',
    ])
    expect(reads).toBe(4)
  })

  it('is looked up again as long as its subject is unknown: a guest gets its row after its first record', async () => {
    const store = memoryStore({ clock: fakeClock() })
    const ownerOf = createOwnerNames(store, 'default')
    expect(await ownerOf({ subject: 'a', eventType: 'TOKEN_REQUEST_INITIATED' })).toBe('subject a')
    const base = { connection: 'default', generation: 1, status: 'active', createdAt: 0 } as const
    const credential = { ...base, kind: 'guest', id: 'g', api: 'guest-tokens', subject: 'a' } as const
    await store.commit({ connection: 'default', writes: [{ credential, expect: { generation: 0 } }] })
    expect(await ownerOf({ subject: 'a', eventType: 'TOKEN_GENERATED_SUCCESS' })).toBe('guest g')
  })

  it('is the store for records that are of no guest', async () => {
    const ownerOf = createOwnerNames(memoryStore({ clock: fakeClock() }), 'default')
    expect(await ownerOf({ subject: 'a', eventType: 'AUDIT_PRUNED' })).toBe('the store')
    expect(await ownerOf({ subject: 'b', eventType: 'STORE_RESTORED' })).toBe('the store')
  })
})
