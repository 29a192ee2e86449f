import type { Credential, CredentialWithTokens } from '../../domain/credential.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { FoundCredential, Store } from '../../ports/store.ts'
import type { SavingPorts } from './commit-until-stored.ts'
import type { LeaseRequest } from './lease.ts'
import type { RecentFailure } from './recent-failure.ts'
import type { RenewalStrategy } from './strategy.ts'

/** What renewals need of their surroundings. */
export interface RenewalPorts extends SavingPorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** The issuer's time now, as far as it is known. Default: the wall clock's. */
  readonly issuerNow?: () => Instant
  /** Names this process among those that share the store. */
  readonly holder: string
  /** Called with the failure of each try that is followed by another one. */
  readonly onFailedTry?: (failure: GuestpassError) => void
  /** The renewals under way in this process, also those that no caller waits for. */
  readonly underway?: Set<Promise<unknown>>
}

/** A credential that was current at `now` of the store's clock; `elapsed` counts on from there. */
export interface CurrentCredential<C extends Credential = Credential> {
  readonly credential: CredentialWithTokens<C>
  readonly now: Instant
  readonly elapsed: () => Millis
}

/** A credential as it was read, the store's time of the read, and the time since. */
export interface Snapshot<C extends Credential = Credential> {
  readonly found: FoundCredential<C>
  readonly now: Instant
  readonly elapsed: () => Millis
}

/** What a renewal of one credential works with. */
export interface RenewalParts<C extends Credential = Credential> {
  readonly connection: string
  readonly id: string
  readonly strategy: RenewalStrategy<C>
  readonly ports: RenewalPorts
  readonly lease: LeaseRequest
  readonly recentFailure: RecentFailure
  /** The latest read of a generation, by the store's clock and by the monotonic clock of this process. */
  lastSeen: { readonly generation: number; readonly now: Instant; readonly monotonic: Millis } | undefined
  /** The renewal under way, which all callers share. */
  flight: Promise<CurrentCredential<C>> | undefined
  /** The failure of the latest try of the renewal under way. */
  latestFailure: GuestpassError | undefined
  /** Whether new tokens wait for the store to take them. */
  hasUnsavedTokens: boolean
}
