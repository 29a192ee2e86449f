import { signInFailed } from '../../domain/events/sign-ins.ts'
import { asGuestpassError, type GuestpassError } from '../../domain/errors.ts'
import type { Millis } from '../../domain/time.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { DocumentWrite } from '../../ports/store.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { readGrant } from './grant-snapshot.ts'
import { aboutSignIn, type Initiator } from './initiator.ts'

/** What failures of sign-ins are recorded with. */
interface RecordFailureParts {
  readonly connection: string
  readonly ports: RenewalPorts
}

/** Makes the documents that keep the failure of a sign-in for other callbacks. */
type SettleFailure = (error: GuestpassError) => Promise<readonly DocumentWrite[]>

/** Runs work of a sign-in. If it fails, an event and the documents of `settle` are stored, as far as the store takes them. */
export async function recordingFailure<T>(
  parts: RecordFailureParts,
  initiator: Initiator,
  work: () => Promise<T>,
  settle: SettleFailure = async () => [],
): Promise<T> {
  const elapsed = stopwatch(parts.ports.clock)
  try {
    return await work()
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    // The caller gets the failure of the sign-in, not that of the store.
    await recordFailure(parts, initiator, { error, latencyMs: elapsed() }, settle).catch(() => {})
    throw error
  }
}

async function recordFailure(
  { connection, ports }: RecordFailureParts,
  initiator: Initiator,
  failure: { readonly error: GuestpassError; readonly latencyMs: Millis },
  settle: SettleFailure,
): Promise<void> {
  const { credential, now } = await readGrant(connection, ports)
  const { generation } = credential
  const facts = { id: ports.random.uuid(), at: now(), generation, ...failure }
  const events = [signInFailed(aboutSignIn(credential, initiator), facts)]
  const outcome = await ports.store.commit({ connection, documents: await settle(failure.error), events })
  if (outcome === 'conflict') await ports.store.commit({ connection, events })
}
