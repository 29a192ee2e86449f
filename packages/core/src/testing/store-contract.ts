import { chainChapter } from './store-contract/chain.ts'
import { changesChapter } from './store-contract/changes.ts'
import { claimsChapter } from './store-contract/claims.ts'
import { clocksChapter } from './store-contract/clocks.ts'
import { credentialsChapter } from './store-contract/credentials.ts'
import { denialsChapter } from './store-contract/denials.ts'
import { documentsChapter } from './store-contract/documents.ts'
import { dueChapter } from './store-contract/due.ts'
import { dueDocumentsChapter } from './store-contract/due-documents.ts'
import { type Chapter, type MakeStore, sentences, type TestFramework } from './store-contract/frame.ts'
import { keptChapter } from './store-contract/kept.ts'
import { queuesChapter } from './store-contract/queues.ts'
import { outboxChapter } from './store-contract/outbox.ts'
import { personsChapter } from './store-contract/persons.ts'
import { factsChapter, leasesChapter, permitsChapter } from './store-contract/sharing.ts'
import { swapsChapter } from './store-contract/swaps.ts'
import { wallChapter } from './store-contract/wall.ts'

export type { MakeStore, StoreUnderTest, TestFramework } from './store-contract/frame.ts'

const chapters: Readonly<Record<string, (chapter: Chapter) => void>> = {
  credentials: credentialsChapter,
  changes: changesChapter,
  'expectations up to the moment of the write': swapsChapter,
  persons: personsChapter,
  documents: documentsChapter,
  'documents that are due': dueDocumentsChapter,
  'the audit chain': chainChapter,
  outbox: outboxChapter,
  'messages that are routed, dead-lettered and enqueued again': queuesChapter,
  denials: denialsChapter,
  'guests due for renewal': dueChapter,
  'claims on due guests': claimsChapter,
  'guests that are kept': keptChapter,
  leases: leasesChapter,
  permits: permitsChapter,
  facts: factsChapter,
  'clocks that were ahead': clocksChapter,
  'the wall between connections': wallChapter,
}

/**
 * Registers one test for every promise of `Store`. `make` gives an empty store for each; `framework` is Vitest, Jest or
 * anything with the same three functions.
 */
export function storeContract(make: MakeStore, framework: TestFramework): void {
  const says = sentences(framework, make)
  for (const [title, chapter] of Object.entries(chapters)) {
    framework.describe(title, () => chapter({ says, expect: framework.expect }))
  }
}
