import type { IssuedGuest } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { createJobFailures } from './job-failures.ts'
import { type JobReport, extraCreates, countCallsFromNow } from './job-report.ts'
import { lostGuests } from './lost-guests.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'
import { createTiming, type Timing } from './timing.ts'

const JOB = 'authenticate guests'

/** Ways to write one address. */
const addressForms: readonly ((email: string) => string)[] = [
  (email) => email,
  (email) => email.toUpperCase(),
  (email) => ` ${email} `,
  (email) => email.replace('@example', '@Example'),
]

interface AuthenticateParts {
  readonly environment: DemoEnvironment
  readonly timing: Timing
}

/** Requests a guest for an address. */
const issue = ({ environment: { connection, upstream } }: AuthenticateParts, email: string): Promise<IssuedGuest> =>
  connection.guests.issue(
    {
      api: 'engagements',
      email,
      consent: true,
      channelId: upstream.channelId,
      attributes: { page: 'checkout' },
      assurance: 'verified',
      onDuplicate: 'reuse',
    },
    DEMO_CONTEXT,
  )

/** The same. After a lost answer, the second request finds the guest. */
const issueUntilKnown = (parts: AuthenticateParts, email: string): Promise<IssuedGuest> =>
  issue(parts, email).catch((thrown: unknown) => {
    if (asGuestpassError(thrown).code !== 'create_in_doubt') throw thrown
    return issue(parts, email)
  })

/** Four requests at once for one applicant, then a refresh. Undefined if they gave more than one guest. */
async function authenticateOne(parts: AuthenticateParts, email: string): Promise<IssuedGuest | undefined> {
  const { environment, timing } = parts
  const all = await Promise.all(addressForms.map((write) => timing.time(() => issueUntilKnown(parts, write(email)))))
  const [guestId = '', ...others] = new Set(all.map((guest) => guest.guestId))
  return others.length > 0 ? undefined : environment.connection.guests.refresh(guestId, {}, DEMO_CONTEXT)
}

/**
 * Job "authenticate": four requests for each applicant arrive at once, each with the address written in
 * another way, while the upstream loses requests and fails. Done if each applicant has one session upstream,
 * and a token that verifies after a rotation of its refresh token.
 */
export async function authenticateJob(environment: DemoEnvironment, count: number): Promise<JobReport> {
  const { upstream, connection, clock, note } = environment
  const bar = await environment.progress(JOB, count)
  const timing = createTiming(clock)
  const calls = countCallsFromNow(upstream)
  note('four requests for each applicant at once; the upstream drops two requests and fails three')
  upstream.script([
    { on: 'create', do: { drop: 'before' }, times: 2 },
    { on: 'create', do: { status: 503 }, times: 3 },
  ])
  const failures = createJobFailures(JOB, note)
  const applicant = (nth: number): Promise<IssuedGuest | undefined> =>
    authenticateOne({ environment, timing }, `person-${nth}@example.com`)
      .finally(() => bar.add())
      .catch(failures.record)
  const all = await Promise.all(Array.from({ length: count }, (_, nth) => applicant(nth)))
  const issued = all.filter((one) => one !== undefined)
  bar.stop()
  failures.report()
  upstream.script([])

  const { entries, ...requests } = calls(['create', 'channel', 'update', 'refresh'])
  const reused = entries.filter(({ reuse }) => reuse === true).length
  return {
    job: JOB,
    asked: count,
    done: issued.length,
    failed: count - issued.length,
    ...timing.quantiles(),
    ...requests,
    lost: await lostGuests(connection.verifier, issued),
    doubled: extraCreates(entries, count) + reused,
  }
}
