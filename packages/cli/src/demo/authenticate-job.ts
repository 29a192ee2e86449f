import type { IssuedGuest } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { createJobFailures } from './job-failures.ts'
import { type JobReport, extraCreates, countCallsFromNow } from './job-report.ts'
import { lostGuests } from './lost-guests.ts'
import { DEMO_CONTEXT, type DemoEnvironment } from './demo-environment.ts'
import { createTiming } from './timing.ts'

const JOB = 'authenticate guests'

/** Ways to write one address. */
const addressForms: readonly ((email: string) => string)[] = [
  (email) => email,
  (email) => email.toUpperCase(),
  (email) => ` ${email} `,
  (email) => email.replace('@example', '@Example'),
]

/**
 * Job "authenticate": four requests for each applicant arrive at once, each with the address written in
 * another way, while the upstream loses requests and fails. Done if each applicant has one session upstream,
 * and a token that verifies after a rotation of its refresh token.
 */
export async function authenticateJob(stage: DemoEnvironment, count: number): Promise<JobReport> {
  const { upstream, connection, clock, note } = stage
  const { guests, verifier } = connection
  const bar = stage.progress(JOB, count)
  const taken = createTiming(clock)
  const calls = countCallsFromNow(upstream)
  note('four requests for each applicant at once; the upstream drops two requests and fails three')
  upstream.script([
    { on: 'create', do: { drop: 'before' }, times: 2 },
    { on: 'create', do: { status: 503 }, times: 3 },
  ])

  const ask = (email: string): Promise<IssuedGuest> =>
    guests.issue(
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
  /** The request after a lost answer finds the guest. */
  const askUntilKnown = (email: string): Promise<IssuedGuest> =>
    ask(email).catch((thrown: unknown) => {
      if (asGuestpassError(thrown).code !== 'create_in_doubt') throw thrown
      return ask(email)
    })
  const applicant = async (nth: number): Promise<IssuedGuest | undefined> => {
    const email = `person-${nth}@example.com`
    const all = await Promise.all(
      addressForms.map((writeAddress) => taken.time(() => askUntilKnown(writeAddress(email)))),
    )
    bar.add()
    const [guestId = '', ...others] = new Set(all.map((guest) => guest.guestId))
    return others.length > 0 ? undefined : guests.refresh(guestId, {}, DEMO_CONTEXT)
  }
  const { record: caught, report: tell } = createJobFailures(JOB, note)
  const issued = (await Promise.all(Array.from({ length: count }, (_, nth) => applicant(nth).catch(caught)))).filter(
    (one) => one !== undefined,
  )
  bar.stop()
  tell()
  upstream.script([])

  const { entries, ...met } = calls(['create', 'channel', 'update', 'refresh'])
  const reused = entries.filter(({ reuse }) => reuse === true).length
  return {
    job: JOB,
    asked: count,
    done: issued.length,
    failed: count - issued.length,
    ...taken.quantiles(),
    ...met,
    lost: await lostGuests(verifier, issued),
    doubled: extraCreates(entries, count) + reused,
  }
}
