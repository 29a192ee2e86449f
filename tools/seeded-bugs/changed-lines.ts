/** The suites whose programs are tests. */
export type TestSuite = 'growth' | 'retention' | 'witnesses' | 'persons' | 'roll-ups' | 'postgres'

/** A bug in a source file: a text that occurs once in it, and what the bug makes of it. */
export interface ChangedLine {
  readonly suite: TestSuite
  readonly bug: string
  /** From the root of the repository. */
  readonly file: string
  readonly text: string
  readonly becomes: string
  /** The test files that must find it, from the root of the repository. */
  readonly tests: readonly string[]
}

const GROWTH = ['tools/test/growth.test.ts']
const RETENTION = ['packages/core/test/retention', 'packages/core/test/audit/prune-chain.test.ts']
const WITNESSES = ['packages/core/test/webhooks/witness.test.ts']
const PERSONS = ['packages/core/test/guests/records/person-records.test.ts']
const CROSSING = ['packages/store/test/postgres/crossing.test.ts']
const FAULTS = ['packages/store/test/postgres/faults.test.ts']
const ROLL_UPS = ['packages/core/test/report/roll-ups.test.ts']

export const changedLines: readonly ChangedLine[] = [
  {
    suite: 'growth',
    bug: 'keeps-guests',
    file: 'packages/core/src/guests/records/remove-ended.ts',
    text: 'if (!last) return removed',
    becomes: 'return removed',
    tests: GROWTH,
  },
  {
    suite: 'retention',
    bug: 'beyond-base',
    file: 'packages/core/src/audit/prune-chain.ts',
    text: '{ through: base.count, limit: BATCH }',
    becomes: '{ through: base.count + 1, limit: BATCH }',
    tests: RETENTION,
  },
  {
    suite: 'retention',
    bug: 'believes-clocks',
    file: 'packages/core/src/retention/retention-time.ts',
    text: 'Math.min(elapsed, BELIEVED)',
    becomes: 'elapsed',
    tests: RETENTION,
  },
  {
    suite: 'witnesses',
    bug: 'no-link',
    file: 'packages/core/src/webhooks/witness-verdict.ts',
    text: 'linkFault(sent, known)',
    becomes: 'undefined',
    tests: WITNESSES,
  },
  {
    suite: 'persons',
    bug: 'misses-late',
    file: 'packages/core/src/guests/records/person-records.ts',
    text: 'const late = await storedSince(parts, person, guests)',
    becomes: 'const late: readonly GuestCredential[] = []',
    tests: PERSONS,
  },
  {
    suite: 'roll-ups',
    bug: 'folds-twice',
    file: 'packages/core/src/report/roll-up-store.ts',
    text: 'value: { ...value }, expect: { revision } }',
    becomes: 'value: { ...value }, expect: { revision: (await allTotals(parts)).revision } }',
    tests: ROLL_UPS,
  },
  {
    suite: 'postgres',
    bug: 'no-head-lock',
    file: 'packages/store/src/sql/audit-chain.ts',
    text: '.forUpdate()',
    becomes: '',
    tests: CROSSING,
  },
  {
    suite: 'postgres',
    bug: 'no-key-lock',
    file: 'packages/store/src/postgres/transactions.ts',
    text: 'for share`',
    becomes: '`',
    tests: CROSSING,
  },
  {
    suite: 'postgres',
    bug: 'claims-twice',
    file: 'packages/store/src/sql/due-credentials.ts',
    text: '.forUpdate().skipLocked()',
    becomes: '',
    tests: CROSSING,
  },
  {
    suite: 'postgres',
    bug: 'repeats-unasked',
    file: 'packages/store/src/postgres/transactions.ts',
    text: 'if (isDone) return value',
    becomes: '',
    tests: FAULTS,
  },
]
