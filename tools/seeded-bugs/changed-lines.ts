import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The suites whose programs are tests. */
export type TestSuite = 'growth' | 'retention' | 'witnesses' | 'persons' | 'roll-ups' | 'postgres' | 'service'

/** The suites that run the changed sources as processes. */
export type ProcessSuite = 'instances'

/** A bug in a source file: a text that occurs once in it, and what the bug makes of it. */
export interface ChangedLine {
  readonly suite: TestSuite | ProcessSuite
  readonly bug: string
  /** From the root of the repository. */
  readonly file: string
  readonly text: string
  readonly becomes: string
  /** The test files that must find it, from the root of the repository; none if the suite runs processes. */
  readonly tests: readonly string[]
  /** Arguments of the suite if it runs processes. */
  readonly args?: string
}

const GROWTH = ['tools/test/growth.test.ts']
const RETENTION = ['packages/core/test/retention', 'packages/core/test/audit/prune-chain.test.ts']
const WITNESSES = ['packages/core/test/webhooks/witness.test.ts']
const PERSONS = ['packages/core/test/guests/records/person-records.test.ts']
const CROSSING = ['packages/store/test/postgres/crossing.test.ts']
const FAULTS = ['packages/store/test/postgres/faults.test.ts']
/** Both instances are up all the time: a request that is sent to both at once finds the bug. */
const UNDISTURBED = '--seed 11 --seconds 20 --clients 8 --every 60000 --settle 0'
const FUZZ = ['packages/server/test/fuzz.test.ts']
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
    bug: 'head-keeps-hash',
    file: 'packages/store/src/postgres/last-statements.ts',
    text: 'hash = excluded.hash, at',
    becomes: 'at',
    tests: ['packages/store/test/postgres/chain.test.ts'],
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
    bug: 'key-waits-for-ever',
    file: 'packages/store/src/postgres/transactions.ts',
    text: 'lock table store_state in exclusive mode; ',
    becomes: '',
    tests: ['packages/store/test/postgres/key-rotation.test.ts'],
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
  {
    suite: 'instances',
    bug: 'answer-apart',
    file: 'packages/server/src/idempotency/attached-store.ts',
    text: 'const outcome = await plain.commit({ ...change, documents: [...(change.documents ?? []), ...documents] })',
    becomes: `const outcome = await plain.commit(change)
      await new Promise((resolve) => setTimeout(resolve, 200))
      await plain.commit({ connection: change.connection, documents })`,
    tests: [],
    // A request of an instance that died is in progress for 30 s.
    args: '--seed 11 --seconds 12 --clients 8 --every 700 --settle 40',
  },
  {
    suite: 'instances',
    bug: 'answers-at-once',
    file: 'packages/server/src/idempotency/answer-store.ts',
    text: 'if (!granted) throw inProgress(clock.wall())',
    becomes: 'void granted',
    tests: [],
    args: UNDISTURBED,
  },
  {
    suite: 'service',
    bug: 'no-owner',
    file: 'packages/server/src/auth/caller.ts',
    text: "roles.includes('operator') ? undefined : owner",
    becomes: 'undefined',
    tests: [...FUZZ, 'packages/server/test/guests.test.ts'],
  },
  {
    suite: 'service',
    bug: 'any-role',
    file: 'packages/server/src/auth/authenticate.ts',
    text: 'if (!hasRole(caller, roles))',
    becomes: 'if (!hasRole(caller, [...roles, ...caller.roles]))',
    tests: FUZZ,
  },
  {
    suite: 'service',
    bug: 'any-origin',
    file: 'packages/server/src/session/own-origin.ts',
    text: 'if (isOwnSite && isOwnOrigin && (isProven || !needsProof)) return',
    becomes: 'if (isOwnSite || isProven) return',
    tests: ['packages/server/test/session.test.ts'],
  },
]

/** The changed line of a bug, and the path of its file. Throws if there is no such bug, or its text is not there once. */
export function changedLine(
  suite: string | undefined,
  bug: string | undefined,
): ChangedLine & { readonly path: string } {
  const change = changedLines.find((one) => one.suite === suite && one.bug === bug)
  if (!change) throw new TypeError(`There is no bug ${suite}:${bug}.`)
  const { file, text } = change
  const path = join(import.meta.dirname, '../..', file)
  const occurrences = readFileSync(path, 'utf8').split(text).length - 1
  if (occurrences !== 1) throw new TypeError(`${file} has "${text}" ${occurrences} times, not once.`)
  return { ...change, path }
}

/** A plugin of a bundler that changes the line. */
export const changingPlugin = ({ path, text, becomes }: ReturnType<typeof changedLine>) => ({
  name: 'seeded-bug',
  transform: (code: string, id: string) =>
    id.split('?')[0] === path ? { code: code.replace(text, becomes), map: null } : undefined,
})
