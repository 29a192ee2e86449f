/**
 * P12: how long the command line takes from its start to its end, as a whole process: its version, its help, and a token from the store; of
 * the package and of the sources, beside bare Node and other command lines.
 */
import { join } from 'node:path'
import { child } from './child.ts'
import { passingFolder } from './embedded-store.ts'
import type { LocalUpstream } from './local-upstream.ts'
import { isQuick, measure } from './measure.ts'
import { launchers } from './packages.ts'
import { median } from './race.ts'
import type { Line, Sheet } from './sheet.ts'
import { atMost } from './targets.ts'
import { type Program, runInTurns, type Timed } from './whole-processes.ts'

const ROUNDS = isQuick ? 5 : 40
const TITLE = 'P12 start of the command line'
/** Times bare Node, for version and help. */
const MOST = 3

const cwd = passingFolder()

/** Our commands, as the launcher of the package or of the sources runs them. */
const commands = (does: string, launcher: string, env: Program['env']): readonly Program[] =>
  [
    { command: '--version', prints: /^\d+\.\d+\.\d+\n$/ },
    { command: '--help', prints: /^Usage: guestpass/ },
    { command: 'token', prints: /valid until/ },
  ].map(({ command, prints }) => ({ name: `guestpass ${command}`, does, args: [launcher, command], env, cwd, prints }))

const other = (name: string, path: string): Program => {
  const launcher = join(import.meta.dirname, 'node_modules', path)
  return { name: `${name} --version`, does: 'a peer', args: [launcher, '--version'], env: {}, cwd, prints: /^\d/ }
}
const others: readonly Program[] = [other('wrangler', 'wrangler/bin/wrangler.js'), other('vercel', 'vercel/dist/vc.js')]
const bare: Program = { name: 'node -e 0', does: 'the limit', args: ['-e', '0'], env: {}, cwd, prints: /^$/ }

/** Settings of a store that holds an access token; upstream is gone, so that it can come from nowhere else. */
async function storeWithToken(launcher: string): Promise<Program['env']> {
  const upstream = child('local-upstream.ts')
  const { url, id, secret } = await upstream.next<LocalUpstream>()
  const env = { GENESYS_BASE_URL: url, GENESYS_CLIENT_ID: id, GENESYS_CLIENT_SECRET: secret }
  runInTurns(commands('fills the store', launcher, env).slice(2), 1)
  upstream.tell({ end: true })
  await upstream.end()
  return env
}

function sheet(timed: readonly Timed[], ours: readonly Program[]): Sheet {
  const limit = timed.find(({ program }) => program === bare) as Timed
  const times = ({ ms }: Timed): number =>
    Number(median(ms.map((one, round) => one / (limit.ms[round] as number))).toPrecision(3))
  const shown = ({ ms }: Timed): number => Math.round(median(ms))
  const of = (programs: readonly Program[]): readonly Timed[] =>
    timed.filter(({ program }) => programs.includes(program))
  const brief = (one: Timed): string => `${shown(one)} (${times(one)} x)`
  return {
    title: TITLE,
    headings: ['ms', 'times bare Node'],
    lines: timed.map((one): Line => {
      const { name, does } = one.program
      return { name, does, ours: ours.includes(one.program), values: [shown(one), times(one)] }
    }),
    targets: of(ours)
      .slice(0, 2)
      .map((one) => atMost(`${TITLE}: ${one.program.name}, times bare Node`, times(one), MOST)),
    summary: [
      {
        measure: 'P12 `--version`, `--help`, `token` from the store: ms (times bare Node)',
        ours: of(ours).map(brief).join(', '),
        best: of(others)
          .map((one) => `${brief(one)} (${one.program.name})`)
          .join('; '),
      },
    ],
  }
}

await measure(async () => {
  const { package: built, source } = launchers()
  const env = await storeWithToken(built ?? source)
  const sources = commands('the sources', source, env)
  const ours = built === undefined ? sources : commands('the package', built, env)
  const programs = [...new Set([bare, ...ours, ...sources, ...others])]
  return [sheet(runInTurns(programs, ROUNDS), ours)]
})
