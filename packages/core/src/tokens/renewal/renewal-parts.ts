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

/** The world as renewals need it. */
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

/** The credential as it was found, the moment at which to judge it, and what has passed since. */
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
  /** When a generation was seen last: at least as much time has passed since as here, though the store's clock stepped back. */
  seen: { readonly generation: number; readonly now: Instant; readonly monotonic: Millis } | undefined
  /** The renewal under way, which all callers share. */
  flight: Promise<CurrentCredential<C>> | undefined
  /** The failure of the latest try of the renewal under way, which tries again. */
  latestFailure: GuestpassError | undefined
  /** Tokens that came wait for the store. */
  saving: boolean
}
