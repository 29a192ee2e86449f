import type { IssuedGuest } from '@guestpass/core'
import { createJobFailures } from './job-failures.ts'
import { type JobReport, extraCreates, countCallsFromNow } from './job-report.ts'
import { lostGuests } from './lost-guests.ts'
import { consentCallback } from './sign-in.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'
import { createTiming } from './timing.ts'

const JOB = 'guest identity provider'
const SCOPES = ['webmessaging:guest:create', 'externalusers:write', 'openid']

/**
 * Job "identity provider": a user signs in with PKCE, the callback signs in once however often it comes, and
 * guests are made on the user's behalf over a renewal of the sign-in. Done when each has a token that
 * verifies; doubled are sign-ins and people made twice.
 */
export async function identityJob(environment: DemoEnvironment, count: number): Promise<JobReport> {
  const { upstream, clock, note } = environment
  const { signIn, guests, accessTokens, verifier } = await environment.connect('identity-provider', SCOPES)
  const calls = countCallsFromNow(upstream)
  const timing = createTiming(clock)
  const bar = await environment.progress(JOB, count)
  const callback = await consentCallback(signIn, SCOPES)
  const { generation } = await signIn.complete(callback, undefined, DEMO_CONTEXT)
  const other = new URLSearchParams({ code: 'another', state: callback.get('state') ?? '' })
  const again = await Promise.allSettled(
    [callback, callback, other].map((query) => signIn.complete(query, undefined, DEMO_CONTEXT)),
  )
  const doubled = again.filter(
    (one, nth) => one.status === 'fulfilled' && (nth > 1 || one.value.generation !== generation),
  )
  note('a user signed in; the callback that comes again gets the same answer, another code is refused')

  const customer = async (nth: number): Promise<IssuedGuest | undefined> => {
    const guest = await timing.time(() =>
      guests.issue(
        { api: 'external-users', email: `customer-${nth}@example.com`, name: `Customer ${nth}` },
        DEMO_CONTEXT,
      ),
    )
    bar.add()
    return guest
  }
  const failures = createJobFailures(JOB, note)
  const half = Math.ceil(count / 2)
  const all = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, nth) => customer(from + nth).catch(failures.record)))
  const before = await all(0, half)
  accessTokens.reportRejected((await accessTokens.token(DEMO_CONTEXT)).token)
  const issued = [...before, ...(await all(half, count))].filter((one) => one !== undefined)
  bar.stop()
  failures.report()

  const { entries, ...requests } = calls(['authorize', 'token', 'create'])
  return {
    job: JOB,
    asked: count,
    done: issued.length,
    failed: count - issued.length,
    ...timing.quantiles(),
    ...requests,
    lost: await lostGuests(verifier, issued),
    doubled: extraCreates(entries, count) + doubled.length,
  }
}
