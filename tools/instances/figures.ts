import type { InstancesRun } from './instances.ts'

/** How soon readiness must follow, in milliseconds, once the database answers again. */
const READY_WITHIN = 2_000
const SHOWN = 15

type Figure = readonly [name: string, value: number | string]

/** The instances whose readiness did not follow the database in time. */
const lateRestarts = ({ restarts }: InstancesRun): number =>
  restarts.filter(({ upMs }) => upMs === undefined || upMs > READY_WITHIN).length

/** Whether a run has found no violation. `open`: requests and webhooks may still be under way at its end. */
export const isRight = (run: InstancesRun, { open }: { readonly open: boolean }): boolean =>
  run.lost.length + run.doubled.length + run.chain.length + run.exits.length + lateRestarts(run) === 0 &&
  run.acknowledged > 0 &&
  (open || run.open + run.waiting === 0)

const figuresOf = (run: InstancesRun): readonly Figure[] => [
  ['requests', run.requests],
  ['acknowledged', run.acknowledged],
  ['unanswered', run.unanswered],
  ['kills', run.kills],
  ['pauses', run.pauses],
  ['restarts of the database', run.restarts.length],
  ...run.restarts.flatMap(({ how, downMs, upMs }): readonly Figure[] => [
    [`  ${how}: ms until /readyz said that it is down`, downMs ?? 'never'],
    [`  ${how}: ms until /readyz was 200 again`, upMs ?? 'never'],
  ]),
  ['refreshes that took effect upstream', run.refreshes],
  ['guests that upstream made for persons', run.creates],
  ['lost answers, recorded as in doubt', run.inDoubt],
  ['sign-ins begun again', run.signIns],
  ['webhooks received', run.webhooks],
  ['records in the audit chain', run.chainLength],
  ...Object.entries(run.statuses)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([status, count]): Figure => [`answers ${status}`, count]),
  ['instances that ended by themselves', run.ownEnds.length],
  ['instances that did not end with 0', run.exits.length],
  ['requests without an answer at the end', run.open],
  ['webhooks that wait at the end', run.waiting],
  ['lost', run.lost.length],
  ['doubled', run.doubled.length],
  ['faults of the audit chain', run.chain.length],
  ['readiness that followed too late', lateRestarts(run)],
  ['seconds', Math.round(run.seconds)],
]

/** The figures of a run, a line each, then its violations. */
export function figureLines(run: InstancesRun): readonly string[] {
  const wrong = [...run.lost, ...run.doubled, ...run.chain, ...run.ownEnds]
  return [
    ...figuresOf(run).map(([name, value]) => `${name.padEnd(56)} ${String(value).padStart(8)}`),
    ...wrong.slice(0, SHOWN),
    ...(wrong.length > SHOWN ? [`… and ${wrong.length - SHOWN} more`] : []),
  ]
}
