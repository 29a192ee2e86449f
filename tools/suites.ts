/** A long suite: a program of its own, which `npm test` runs too as one more check, with `--with-NAME` or `--with-suites`. */
export interface Suite {
  readonly name: string
  /** The program, from the root, and its arguments. */
  readonly program: readonly [string, ...string[]]
  /** The test file with its short form, which then does not run. */
  readonly replaces?: string
}

/** The long suites, in the order in which they run. The first ones install what the tests need. */
export const suites: readonly Suite[] = [
  { name: 'packages', program: ['tools/packages/run.ts'], replaces: 'tools/test/packages.test.ts' },
  { name: 'postgres', program: ['tools/postgres/run.ts'] },
  { name: 'outages', program: ['tools/outages/run.ts', '--times', '3', '--seed', '7'] },
  { name: 'rolling-restart', program: ['tools/rolling-restart/run.ts'] },
  {
    name: 'instances',
    program: ['tools/instances/run.ts', '--seconds', '60', '--seed', '7'],
    replaces: 'tools/test/instances.test.ts',
  },
  {
    name: 'crash-tests-on-postgres',
    program: ['tools/crash-tests/run.ts', '--database', 'postgres', '--kills', '100', '--seed', '7'],
  },
  {
    name: 'rotation-on-postgres',
    program: ['tools/crash-tests/rotation/run.ts', '--database', 'postgres', '--kills', '100', '--seed', '7'],
  },
  { name: 'fuzz', program: ['tools/fuzz/run.ts', '--seconds', '20', '--seed', '7'] },
]

const ALL = '--with-suites'
/** The flag of `npm run seeded-bugs`, which runs after the tests. Each bug counts as one test. */
const SEEDED_BUGS = '--with-seeded-bugs'

const flagOf = ({ name }: Suite): string => `--with-${name}`

/** What the arguments of `npm test` ask for. */
export function suitesIn(argv: readonly string[]) {
  const flags = new Set([ALL, SEEDED_BUGS, ...suites.map(flagOf)])
  const isAll = argv.includes(ALL)
  return {
    chosen: suites.filter((suite) => isAll || argv.includes(flagOf(suite))),
    seededBugs: isAll || argv.includes(SEEDED_BUGS),
    /** Arguments for the tests. */
    rest: argv.filter((each) => !flags.has(each)),
  }
}
