import { GuestpassError, type IssuedGuest, meters } from '@guestpass/core'
import type { JobReport } from './job-report.ts'
import type { Stage } from './stage.ts'

/** How each person's address is written by those who ask at once. */
const spellings: readonly ((email: string) => string)[] = [
  (email) => email,
  (email) => email.toUpperCase(),
  (email) => ` ${email} `,
  (email) => email.replace('@mail', '@Mail'),
]

/**
 * Job "authenticate": every person asks several times at once, in several spellings, and gets one guest; the others are told that
 * there is one. Then all are renewed at once, each by the refresh token that it has.
 */
export async function authenticateJob(stage: Stage, people: number): Promise<JobReport> {
  const { upstream, connection } = stage
  const { guests, verifier } = connection
  const job = 'authenticate guests'
  const bar = stage.progress(job, people)
  const took = meters()
  const before = upstream.journal().length

  async function ask(email: string): Promise<IssuedGuest | undefined> {
    const started = stage.clock.monotonic()
    try {
      const request = { api: 'engagements', email, consent: true, channelId: upstream.channelId } as const
      const issued = await guests.issue(request)
      took.time(job, stage.clock.monotonic() - started)
      bar.add()
      return issued
    } catch (thrown) {
      if (thrown instanceof GuestpassError && thrown.code === 'session_exists') return undefined
      throw thrown
    }
  }

  const asked = Array.from({ length: people }, (_, nth) => `person-${nth}@mail.example`)
  const outcomes = await Promise.allSettled(asked.flatMap((email) => spellings.map((spelled) => ask(spelled(email)))))
  bar.stop()
  const issued = outcomes.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []))
  const renewed = await Promise.allSettled(issued.map(({ guestId }) => guests.refresh(guestId)))
  const valid = await Promise.all(
    renewed.map(async (one) =>
      one.status === 'fulfilled'
        ? (await verifier.verify(one.value.token.reveal(), { subject: one.value.guestId })).valid
        : false,
    ),
  )
  const entries = upstream.journal().slice(before)
  const made = entries.filter(({ operation, status }) => operation === 'create' && status === 201).length
  const timed = took.timed(job)
  return {
    job,
    asked: people,
    done: issued.length,
    failed: outcomes.filter(({ status }) => status === 'rejected').length,
    p50Ms: Math.round(timed.quantile(0.5)),
    p99Ms: Math.round(timed.quantile(0.99)),
    upstreamCalls: entries.length,
    refused429: entries.filter(({ status }) => status === 429).length,
    lost: valid.filter((one) => !one).length,
    doubled: Math.max(0, made - people),
  }
}
