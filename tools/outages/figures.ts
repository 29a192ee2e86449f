import type { Outage, OutagesRun } from './outages.ts'

/** How soon readiness must follow the database, in milliseconds. */
const READY_WITHIN = 2_000
/** How long a call may wait for the database, in milliseconds: its bound, and a last try. */
const ANSWER_WITHIN = 12_500
const SHOWN = 15

/** What is wrong with how the service went through an outage. */
function faultsOf({ name, downMs, upMs, answer, isLong }: Outage): readonly string[] {
  const { status, code, retryAfter, ms } = answer
  const isRefused = status === 503 && (retryAfter ?? 0) >= 1 && /^store_(?:unavailable|busy)$/.test(code ?? '')
  const isLate = (time: number | undefined): boolean => time === undefined || time > READY_WITHIN
  return [
    ...(isLate(downMs) ? [`/readyz said that the database is down after ${downMs ?? 'no'} ms`] : []),
    ...(isLate(upMs) ? [`/readyz said that the database is up after ${upMs ?? 'no'} ms`] : []),
    ...(isRefused || (status === 201 && !isLong)
      ? []
      : [`a request was answered ${status} ${code ?? ''}, Retry-After ${retryAfter ?? 'absent'}`]),
    ...(ms > ANSWER_WITHIN ? [`a request waited for ${ms} ms`] : []),
  ].map((fault) => `${name}: ${fault}`)
}

/** Answers of the service that no caller can do anything about. */
const badAnswers = ({ statuses }: OutagesRun): readonly string[] =>
  Object.entries(statuses)
    .filter(([status]) => /^5(?!03)/.test(status))
    .map(([status, count]) => `${count} answers ${status}`)

/** What is wrong with a run. */
export const violations = (run: OutagesRun): readonly string[] => [
  ...run.outages.flatMap(faultsOf),
  ...badAnswers(run),
  ...(run.isSameProcess ? [] : ['the process ended']),
  ...run.lost.map((fault) => `lost: ${fault}`),
  ...run.doubled.map((fault) => `doubled: ${fault}`),
  ...run.chain,
  ...run.exits.map((code) => `exit code ${code}`),
]

const longest = (times: readonly (number | undefined)[]): string =>
  times.includes(undefined) ? 'never' : String(Math.max(...times.map((time) => time ?? 0)))

/** The figures of a run, a line each, then what is wrong. */
export function figureLines(run: OutagesRun): readonly string[] {
  const rows: (readonly [string, string | number])[] = []
  for (const [name, all] of Map.groupBy(run.outages, (one) => one.name)) {
    rows.push(
      [`${name}: outages`, all.length],
      ['  ms until /readyz said that it is down, at most', longest(all.map(({ downMs }) => downMs))],
      ['  ms until /readyz was 200 again, at most', longest(all.map(({ upMs }) => upMs))],
      ['  ms until a request was answered, at most', longest(all.map(({ answer }) => answer.ms))],
      ['  requests answered 201', all.filter(({ answer }) => answer.status === 201).length],
      ['  requests answered 503 with Retry-After', all.filter(({ answer }) => answer.retryAfter !== undefined).length],
    )
  }
  rows.push(['requests', run.requests], ['acknowledged', run.acknowledged])
  for (const status of Object.keys(run.statuses).toSorted()) rows.push([`answers ${status}`, run.statuses[status] ?? 0])
  rows.push(
    ['records in the audit chain', run.chainLength],
    ['webhooks received', run.webhooks],
    ['lost', run.lost.length],
    ['doubled', run.doubled.length],
  )
  const wrong = violations(run)
  return [
    ...rows.map(([name, value]) => `${name.padEnd(56)} ${String(value).padStart(8)}`),
    ...wrong.slice(0, SHOWN),
    ...(wrong.length > SHOWN ? [`… and ${wrong.length - SHOWN} more`] : []),
  ]
}
