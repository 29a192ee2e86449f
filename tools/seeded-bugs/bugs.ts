import { diskFault } from '../crash-tests/events/small-disk.ts'
import { ensureDebianBinaries, INSTALL } from '../postgres/server.ts'
import { ensureProxy, INSTALL as INSTALL_PROXY } from '../rolling-restart/proxy.ts'
import { changedLines, type ProcessSuite, type TestSuite } from './changed-lines.ts'

type Suite =
  | 'rotation'
  | 'crash-tests'
  | 'keepers'
  | 'import-rows'
  | 'openid'
  | 'rolling-restart'
  | ProcessSuite
  | TestSuite

/** A fault that is built into the workers or the source of a suite on purpose, and the invariant that must find it. */
export interface SeededBug {
  readonly suite: Suite
  readonly bug: string
  /** Figures of the suite's summary, of which one must be above 0. */
  readonly invariants: readonly [string, ...string[]]
  /** Arguments of the run, besides `--bug`. */
  readonly args: string
  /** Why this machine cannot run it; undefined: it can. */
  readonly unavailable?: () => string | undefined
}

/** The program of each suite, from tools/. */
export const programs: Readonly<Record<Suite, string>> = {
  rotation: 'crash-tests/rotation/run.ts',
  'crash-tests': 'crash-tests/run.ts',
  keepers: 'crash-tests/keepers.ts',
  'import-rows': 'crash-tests/import-rows.ts',
  openid: 'openid/run.ts',
  instances: 'instances/run.ts',
  'rolling-restart': 'rolling-restart/run.ts',
  growth: 'seeded-bugs/run-tests.ts',
  retention: 'seeded-bugs/run-tests.ts',
  witnesses: 'seeded-bugs/run-tests.ts',
  persons: 'seeded-bugs/run-tests.ts',
  'roll-ups': 'seeded-bugs/run-tests.ts',
  postgres: 'seeded-bugs/run-tests.ts',
  service: 'seeded-bugs/run-tests.ts',
}

const postgresFault = (): string | undefined =>
  ensureDebianBinaries() === undefined ? `no PostgreSQL (enable it: ${INSTALL})` : undefined

const proxyFault = (): string | undefined => (ensureProxy() ? undefined : `no HAProxy (enable it: ${INSTALL_PROXY})`)

/** The bugs in changed lines: tests must find them, or processes of the changed sources. */
const inChangedLines = changedLines.map(({ suite, bug, args }): SeededBug => {
  const needsPostgres = suite === 'postgres' || suite === 'instances'
  return {
    suite,
    bug,
    ...(args === undefined
      ? { invariants: ['failed tests'], args: `--suite ${suite}` }
      : { invariants: ['lost', 'doubled'], args }),
    ...(needsPostgres ? { unavailable: postgresFault } : {}),
  }
})

const TWICE = 'refresh tokens presented twice, undeclared'
const NO_CAUSE = 'doubts and ends without a cause'

/** The longest first. */
export const seededBugs: readonly SeededBug[] = [
  {
    suite: 'rotation',
    bug: 'no-intent',
    invariants: ['refreshes lost silently', TWICE],
    args: '--seed 11 --processes 4 --kills 300 --settle 0',
  },
  {
    suite: 'rotation',
    bug: 'no-recheck',
    invariants: [TWICE],
    args: '--seed 11 --processes 4 --connections 4 --events 40 --mix pauses --pause-at before-send --faults off --settle 0',
  },
  {
    suite: 'crash-tests',
    bug: 'fresh-key',
    invariants: ['guests with a refresh that took effect twice'],
    args: '--seed 11 --kills 200 --creators 0',
  },
  {
    suite: 'crash-tests',
    bug: 'blind',
    invariants: ['persons with a guest too many'],
    args: '--seed 11 --kills 200 --keepers 0 --refreshers 0 --creators 4 --guests 1',
  },
  {
    suite: 'keepers',
    bug: 'copy',
    invariants: ['requests beyond one a renewal'],
    args: '--keepers 2 --sessions 100 --life 12',
  },
  {
    suite: 'rotation',
    bug: 'all-lost',
    invariants: [NO_CAUSE],
    args: '--seed 11 --processes 4 --connections 8 --events 40 --mix unsent --faults off --settle 0',
  },
  {
    suite: 'rotation',
    bug: 'gives-up',
    invariants: [NO_CAUSE],
    args: '--seed 11 --processes 4 --connections 8 --events 20 --mix disk --faults off --settle 0',
    unavailable: diskFault,
  },
  {
    suite: 'openid',
    bug: 'copy',
    invariants: ['refresh tokens presented twice'],
    args: '--rotations 12 --restarts 0 --processes 3',
  },
  { suite: 'import-rows', bug: 'retains', invariants: ['processes out of memory'], args: '--rows 200 --heap 64' },
  {
    suite: 'rolling-restart',
    bug: 'no-drain',
    invariants: ['requests that failed'],
    args: '--restarts 5 --clients 16',
    unavailable: proxyFault,
  },
  ...inChangedLines,
]
