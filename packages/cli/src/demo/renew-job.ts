import { guestScopes, report } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { type JobReport, upstreamCallsFor } from './job-report.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'

const JOB = 'renew guest tokens'

/**
 * Job "renew": a worker process keeps the guests' sessions while upstream rolls its keys, fails for a while,
 * and the worker is killed in the middle of a refresh and started again. Done when every guest has a later
 * token than it was issued.
 */
export async function renewJob(environment: DemoEnvironment, ids: readonly string[]): Promise<JobReport> {
  const { upstream, connection, clock, note } = environment
  const guests = new Set(ids)
  const bar = await environment.progress(JOB, ids.length)
  let worker = environment.worker()
  let renewed = 0
  const countRenewed = async (): Promise<void> => {
    const count = await renewedOf(environment, ids)
    bar.add(count - renewed)
    renewed = count
  }
  try {
    await upstream.rollKeys({ drop: true })
    note('the upstream signs with a new key and has dropped the old one')
    // Slow at first, so that there is a middle in which to kill; then answers are lost.
    upstream.script([
      { on: 'refresh', do: { delayMs: 2 * SECOND }, times: 8 },
      { on: 'refresh', do: { drop: 'after' }, times: 3 },
    ])
    await until(environment, () => running(environment, guests))
    await worker.kill()
    note('kill -9 of the worker, in the middle of a refresh')
    worker = environment.worker()
    note('the worker is up again; the upstream loses three answers, then fails for two seconds')
    await until(environment, () => answersLost(environment, guests))
    upstream.script([{ on: 'refresh', do: { status: 503 }, times: 10_000 }])
    await clock.sleep(2 * SECOND, environment.signal)
    upstream.script([])
    await until(environment, async () => {
      await countRenewed()
      return renewed === ids.length
    })
  } finally {
    await worker.stop()
    bar.stop()
  }
  const { entries, ...calls } = upstreamCallsFor(upstream.journal(), 'refresh', guests)
  const views = await Promise.all(ids.map(async (id) => ({ id, view: await connection.guests.show(id) })))
  const effects = new Map(entries.map(({ guestId = '', refreshes = 0 }) => [guestId, refreshes]))
  return {
    job: JOB,
    asked: ids.length,
    done: renewed,
    failed: ids.length - renewed,
    ...(await timing(environment)),
    ...calls,
    lost: await withoutValidToken(environment, ids),
    // Each generation after the first is one refresh; more of them upstream means that one took effect twice.
    doubled: views.filter(({ id, view }) => (effects.get(id) ?? 0) > view.generation - 1).length,
  }
}

async function renewedOf({ connection }: DemoEnvironment, ids: readonly string[]): Promise<number> {
  const views = await Promise.all(ids.map((id) => connection.guests.show(id)))
  return views.filter(({ generation }) => generation > 1).length
}

/** Whether the upstream works on a refresh of one of the guests now. */
const running = async ({ upstream }: DemoEnvironment, guests: ReadonlySet<string>): Promise<boolean> =>
  upstreamCallsFor(upstream.journal(), 'refresh', guests).entries.some(({ status }) => status === null)

/** Whether all answers that are to be lost were lost. */
const answersLost = async ({ upstream }: DemoEnvironment, guests: ReadonlySet<string>): Promise<boolean> =>
  upstreamCallsFor(upstream.journal(), 'refresh', guests).entries.filter(
    ({ fault }) => fault !== undefined && 'drop' in fault,
  ).length >= 3

/** Waits until a condition is true, for two minutes at most. */
async function until({ clock, signal }: DemoEnvironment, isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_200 && !(await isTrue()); tries += 1) await clock.sleep(100, signal)
}

/** Guests whose stored token does not verify now. */
async function withoutValidToken({ connection }: DemoEnvironment, ids: readonly string[]): Promise<number> {
  const valid = await Promise.all(
    ids.map(async (guestId) => {
      const { token } = await connection.guests.token(guestId, DEMO_CONTEXT)
      return (await connection.verifier.verify(token.reveal(), { subject: guestId, scopes: guestScopes })).valid
    }),
  )
  return valid.filter((one) => !one).length
}

/** How long refreshes took, by the stored events. */
async function timing({ connection, store }: DemoEnvironment): Promise<Pick<JobReport, 'p50Ms' | 'p99Ms'>> {
  const { refreshes } = await report(store, connection.name)
  return { p50Ms: Math.round(refreshes.p50LatencyMs), p99Ms: Math.round(refreshes.p99LatencyMs) }
}
