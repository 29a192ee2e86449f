import { fakeClock, settle } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { createAuditListeners, createAuditListenerSink } from '../src/audit-listener.ts'

const due = (id: string) => ({
  event: {
    id,
    at: 0,
    type: 'TOKEN_GENERATED_SUCCESS' as const,
    outcome: 'success' as const,
    actor: 'library',
    connection: 'default',
    subject: 'someone',
    generation: 1,
    correlationId: 'one',
    data: { api: 'guest-tokens', verified: true },
  },
  attempts: 0,
})

describe('A listener of audit records', () => {
  it('that does not end within 20 s counts as failed, and holds no later batch back', async () => {
    const clock = fakeClock()
    const listeners = createAuditListeners()
    const heard: string[] = []
    listeners.all.add(({ eventId }) => {
      heard.push(eventId)
      return heard.length === 1 ? new Promise(() => {}) : undefined
    })
    const faults: unknown[] = []
    const sink = createAuditListenerSink('default', listeners, { clock, onFault: (fault) => void faults.push(fault) })
    const { signal } = new AbortController()
    const first = sink.deliver([due('a'), due('b')], signal)
    const second = sink.deliver([due('c')], signal)
    await settle()
    await clock.advance(20_000)
    // Of the first one nothing is said, so that it is tried again later.
    expect(await first).toEqual([{ event: 'b', then: 'release' }])
    expect(await second).toEqual([{ event: 'c', then: 'done' }])
    expect(heard).toEqual(['a', 'c'])
    expect(faults).toMatchObject([{ code: 'output_failed', message: expect.stringContaining('20 s') }])
  })

  it('that ends in time leaves no wait behind', async () => {
    const clock = fakeClock()
    const listeners = createAuditListeners()
    listeners.all.add(() => {})
    const sink = createAuditListenerSink('default', listeners, { clock, onFault: () => {} })
    expect(await sink.deliver([due('a')], new AbortController().signal)).toEqual([{ event: 'a', then: 'done' }])
    expect(clock.sleeping).toBe(0)
  })
})
