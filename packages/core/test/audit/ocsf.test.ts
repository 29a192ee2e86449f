import { describe, expect, it } from 'vitest'
import { ocsfRecord } from '../../src/audit/ocsf.ts'
import { auditRecord } from '../../src/domain/audit-record.ts'
import { type Event, eventTypes } from '../../src/domain/events/event.ts'
import { event } from '../../src/testing/store-contract/samples.ts'

const ocsf = (of: Event) =>
  ocsfRecord({ record: auditRecord(of), chain: 0, version: 2, count: 7, hash: 'f'.repeat(64) }, '1.2.3')

/** What OCSF 1.3 requires of each class, beyond what every event has; and of what lists at least one must be there. */
const required = {
  all: ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'],
  3002: ['user'],
  6003: ['actor', 'api', 'src_endpoint'],
} as const
const activities = { 3002: [1, 2, 4, 5, 99], 6003: [1, 3, 4, 99] } as const

describe('an OCSF record', () => {
  it.each(eventTypes)('of %s has what its class requires', (type) => {
    const record = ocsf(event('1', { type, outcome: 'failure', error: { code: 'internal', message: 'It broke.' } }))
    const { class_uid, category_uid, activity_id } = record
    expect(Object.keys(record)).toEqual(expect.arrayContaining([...required.all, ...required[class_uid]]))
    expect([category_uid, record.type_uid]).toEqual([class_uid === 3002 ? 3 : 6, class_uid * 100 + activity_id])
    expect(activities[class_uid]).toContain(activity_id)
    expect(record['metadata']).toMatchObject({
      version: '1.3.0',
      product: { name: 'Guestpass', vendor_name: 'Guestpass' },
    })
    if (class_uid === 3002)
      expect(record).toMatchObject({ user: { uid: expect.any(String) }, service: { name: 'default' } })
    else
      expect(record).toMatchObject({
        api: { operation: type },
        src_endpoint: { svc_name: 'library' },
        actor: { app_name: 'library' },
      })
  })

  it('of a refreshed token is a renewed ticket, with the event, its time and its place in the chain', () => {
    const one = event('1', { type: 'REFRESH_COMPLETED', latencyMs: 12.4, generation: 3, data: { api: 'guest-tokens' } })
    expect(ocsf(one)).toMatchObject({
      class_uid: 3002,
      activity_id: 5,
      type_uid: 300_205,
      severity_id: 1,
      status_id: 1,
      time: Date.UTC(2026, 0, 1),
      duration: 12,
      metadata: { uid: one.id, correlation_uid: 'one-request', event_code: 'REFRESH_COMPLETED', sequence: 7 },
      user: { uid: one.subject },
      unmapped: { generation: 3, data: { api: 'guest-tokens' }, chainHash: 'f'.repeat(64) },
    })
  })

  it.each([
    ['success', 1, 1],
    ['failure', 2, 2],
    ['pending', 99, 1],
  ] as const)('of the outcome %s has status %i and severity %i', (outcome, status, severity) => {
    expect(ocsf(event('1', { outcome }))).toMatchObject({ status_id: status, severity_id: severity })
  })
})
