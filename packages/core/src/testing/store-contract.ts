import { chainCases } from './store-contract/chain.ts'
import { changeCases, eventCases } from './store-contract/changes.ts'
import { guestClockCases, outboxClockCases, sharedClockCases } from './store-contract/clock-skew.ts'
import { concurrentWriteCases, conflictCases, atomicCases } from './store-contract/compare-and-set.ts'
import { credentialCases, generationCases, credentialListCases } from './store-contract/credentials.ts'
import { denialCases } from './store-contract/denials.ts'
import { documentCases, documentListCases, documentChangeCases } from './store-contract/documents.ts'
import { documentClaimCases, documentClockCases, dueDocumentCases } from './store-contract/due-documents.ts'
import { dueGuestCases, dueCountCases, nextDueCases } from './store-contract/due-guests.ts'
import { factCases } from './store-contract/facts.ts'
import { guestClaimCases } from './store-contract/guest-claims.ts'
import { leaseCases } from './store-contract/leases.ts'
import { outboxQueueCases, deadLetterCases } from './store-contract/outbox-queues.ts'
import { outboxRouteCases, outboxClaimCases, outboxOutcomeCases } from './store-contract/outbox.ts'
import { permitCases, feedbackCases, rateLimitStateCases } from './store-contract/permits.ts'
import { personCases } from './store-contract/persons.ts'
import { profileCases } from './store-contract/profiles.ts'
import { recentUseCases, recentUseClaimCases } from './store-contract/recent-use.ts'
import { endedGuestCases, pruneCases, removalCases } from './store-contract/retention.ts'
import { type MakeStore, registerCases, type Suite, type TestFramework } from './store-contract/suite.ts'
import { sizeCases } from './store-contract/sizes.ts'
import { isolatedDataCases, isolatedCoordinationCases } from './store-contract/tenant-isolation.ts'

export type { MakeStore, StoreUnderTest, TestFramework } from './store-contract/suite.ts'

const suites: Readonly<Record<string, Suite>> = {
  credentials: credentialCases,
  'credentials: generations and revisions': generationCases,
  'credentials: lists': credentialListCases,
  changes: changeCases,
  events: eventCases,
  'compare and set: concurrent writes': concurrentWriteCases,
  'compare and set: conflicts': conflictCases,
  'compare and set: one step': atomicCases,
  'profiles and subjects': profileCases,
  'persons: lists by pseudonym': personCases,
  documents: documentCases,
  'documents: lists': documentListCases,
  'documents: changes': documentChangeCases,
  'due documents': dueDocumentCases,
  'due documents: claims': documentClaimCases,
  'the audit chain': chainCases,
  'the outbox: sinks': outboxRouteCases,
  'the outbox: claims': outboxClaimCases,
  'the outbox: outcomes': outboxOutcomeCases,
  'the outbox: queues': outboxQueueCases,
  'the outbox: dead letters': deadLetterCases,
  denials: denialCases,
  'due guests': dueGuestCases,
  'due guests: changes and counts': dueCountCases,
  'due guests: the next one': nextDueCases,
  'due guests: claims': guestClaimCases,
  'due guests: recent use': recentUseCases,
  'due guests: claims and recent use': recentUseClaimCases,
  leases: leaseCases,
  permits: permitCases,
  'permits: feedback': feedbackCases,
  'permits: state': rateLimitStateCases,
  facts: factCases,
  'a clock that was ahead: guests': guestClockCases,
  'a clock that was ahead: the outbox': outboxClockCases,
  'a clock that was ahead: due documents': documentClockCases,
  'a clock that was ahead: leases, documents and pauses': sharedClockCases,
  'retention: removed credentials': removalCases,
  'retention: ended guests': endedGuestCases,
  'retention: pruned events': pruneCases,
  sizes: sizeCases,
  'tenant isolation: data': isolatedDataCases,
  'tenant isolation: leases, permits and facts': isolatedCoordinationCases,
}

/**
 * Registers the contract tests of the store port with a test framework: suites for each part of `Store`, about
 * 140 cases in all. Each case makes a store of its own. A store that passes them fulfils the contract; they do
 * not test that commits survive a kill, and that secrets are sealed.
 *
 * Call it at the top level of a test file or in a `describe`. If a store breaks the contract, the case fails in
 * `framework.expect` or with the error of the store.
 *
 * @param make gives a new, empty store for each case, and moves its clock
 * @param framework `describe`, `it` and `expect` of Vitest or Jest, or functions that do the same
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { describe, it } from 'node:test'
 * import { memoryStore } from '@guestpass/core'
 * import { fakeClock, storeContract } from '@guestpass/core/testing'
 *
 * const expect = (actual: unknown) => ({
 *   toEqual: (expected: unknown) => assert.deepEqual(actual, expected),
 * })
 * storeContract(
 *   async (route) => {
 *     const clock = fakeClock()
 *     return { store: memoryStore({ clock, route }), advance: (ms) => clock.stepWall(ms) }
 *   },
 *   { describe, it, expect },
 * )
 * ```
 */
export function storeContract(make: MakeStore, framework: TestFramework): void {
  const test = registerCases(framework, make)
  for (const [title, suite] of Object.entries(suites)) {
    framework.describe(title, () => suite({ test, expect: framework.expect }))
  }
}
