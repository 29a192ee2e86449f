import { GRANT_ID } from '../../domain/credential-ids.ts'
import type { GrantCredential } from '../../domain/credential.ts'
import type { Instant } from '../../domain/time.ts'
import { stopwatch } from '../../ports/clock.ts'
import { ofKind } from '../renewal/of-kind.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { blankGrant } from './blank-grant.ts'

/** The grant that is stored, or a blank one. `now` is the store's time, counted on from the read. */
export interface GrantSnapshot {
  readonly credential: GrantCredential
  readonly now: () => Instant
}

/** Reads the grant of a connection. */
export async function readGrant(
  connection: string,
  { store, clock, random }: Pick<RenewalPorts, 'store' | 'clock' | 'random'>,
): Promise<GrantSnapshot> {
  const elapsed = stopwatch(clock)
  const found = ofKind<GrantCredential>('grant', await store.find(connection, GRANT_ID))
  const now = (): Instant => found.now + elapsed()
  return { credential: found.credential ?? blankGrant(connection, random.uuid(), found.now), now }
}
