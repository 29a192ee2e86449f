import { type IssuedGuest, guestScopes } from '@guestpass/core'
import { createMeters } from '@guestpass/core/runtime-kit'
import { createJobFailures } from './job-failures.ts'
import { type JobReport, upstreamCallsFor } from './job-report.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'

interface Minted {
  readonly report: JobReport
  readonly issued: readonly IssuedGuest[]
}

interface MintOrder {
  readonly job: string
  readonly ids: readonly string[]
  /** Lifetime of the tokens, in seconds. */
  readonly duration: number
}

/**
 * Job "mint": requests for all guests at once. Each stored token is then verified, as a later process would
 * do.
 */
export async function mintJob(environment: DemoEnvironment, { job, ids, duration }: MintOrder): Promise<Minted> {
  const { upstream, connection } = environment
  const { guests, verifier } = connection
  const bar = await environment.progress(job, ids.length)
  const took = createMeters()
  let readyEvents = 0
  const off = guests.onTokenReady(({ latencyMs }) => {
    readyEvents += 1
    took.time(job, latencyMs)
    throw new Error('a failing chat SDK must not fail the issue')
  })
  const failures = createJobFailures(job, environment.note)
  const one = async (guestId: string): Promise<IssuedGuest> => {
    const guest = await guests.issue({ guestId, duration, scopes: guestScopes }, DEMO_CONTEXT)
    bar.add()
    return guest
  }
  const issued = (await Promise.all(ids.map((id) => one(id).catch(failures.record)))).filter(
    (guest) => guest !== undefined,
  )
  off()
  bar.stop()
  failures.report()
  const kept = await Promise.all(
    issued.map(async ({ guestId, token }) => {
      const stored = await guests.token(guestId, DEMO_CONTEXT)
      const verdict = await verifier.verify(stored.token.reveal(), { subject: guestId, scopes: guestScopes })
      return verdict.valid && stored.token.reveal() === token.reveal()
    }),
  )
  const { entries, ...calls } = upstreamCallsFor(upstream.journal(), 'mint', new Set(ids))
  const made = entries.filter(({ status }) => status === 200).length
  const timed = took.timed(job)
  const report = {
    job,
    asked: ids.length,
    done: Math.min(issued.length, readyEvents),
    failed: ids.length - issued.length,
    p50Ms: Math.round(timed.quantile(0.5)),
    p99Ms: Math.round(timed.quantile(0.99)),
    ...calls,
    lost: kept.filter((isKept) => !isKept).length,
    doubled: Math.max(0, made - issued.length),
  }
  return { report, issued }
}
