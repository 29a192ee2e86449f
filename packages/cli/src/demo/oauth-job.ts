import { connectionView } from '@guestpass/core'
import { type JobReport, countCallsFromNow } from './job-report.ts'
import { signInUser } from './sign-in.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'
import { createTiming } from './timing.ts'

const JOB = 'renew OAuth tokens'
const SCOPES = ['guest:read', 'guest:write']
const CALLERS = 16

/**
 * Job "OAuth": four processes share the sign-in of a user. In every round its token is refused, 64 callers
 * want the next one, and upstream loses an answer now and then. Done when every round was one renewal;
 * doubled are refresh tokens presented twice that upstream did not answer alike.
 */
export async function oauthJob(environment: DemoEnvironment, rounds: number): Promise<JobReport> {
  const { upstream, store, clock, note } = environment
  const name = 'signed-in'
  const processes = await Promise.all(Array.from({ length: 4 }, () => environment.connect(name, SCOPES)))
  const [first] = processes as [(typeof processes)[0]]
  const calls = countCallsFromNow(upstream)
  const timing = createTiming(clock)
  const bar = await environment.progress(JOB, rounds)
  await signInUser(first.signIn, SCOPES)
  note('64 callers in four processes for every renewal; the answers to three refreshes are lost')
  let done = 0
  let lost = 0
  for (let round = 1; round <= rounds; round += 1) {
    const { token, generation } = await first.accessTokens.token(DEMO_CONTEXT)
    for (const { accessTokens } of processes) {
      await accessTokens.token(DEMO_CONTEXT)
      accessTokens.reportRejected(token)
    }
    if (round % 7 === 3) upstream.script([{ on: 'token', do: { drop: 'after' } }])
    const callers = processes.flatMap(({ accessTokens }) =>
      Array.from({ length: CALLERS }, () => accessTokens.token(DEMO_CONTEXT)),
    )
    const answers = await timing.time(() => Promise.allSettled(callers))
    const generations = new Set(answers.map((one) => (one.status === 'fulfilled' ? one.value.generation : 'none')))
    if (generations.size === 1 && generations.has(generation + 1)) done += 1
    lost += answers.filter(({ status }) => status === 'rejected').length
    bar.add()
  }
  bar.stop()
  const { entries, ...requests } = calls(['token'])
  const { status } = await connectionView(store, name)
  return {
    job: JOB,
    asked: rounds,
    done,
    failed: rounds - done,
    ...timing.quantiles(),
    ...requests,
    lost: lost + (status === 'active' ? 0 : 1),
    doubled: entries.filter(({ presented = 0, replayed }) => presented > 1 && replayed !== true).length,
  }
}
