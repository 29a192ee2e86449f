import { SECOND } from '../domain/time.ts'
import { asGuestpassError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Change, Store } from '../ports/store.ts'

/** How often a busy store is asked, a second apart. */
const COMMITS = 10

/** Commits what cannot be had again, as a refresh token that just came: a busy store is asked again for about ten seconds. */
export async function insistentCommit(
  { store, clock }: { readonly store: Pick<Store, 'commit'>; readonly clock: Clock },
  change: Change,
): Promise<'done' | 'conflict'> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await store.commit(change)
    } catch (thrown) {
      if (tries === COMMITS || asGuestpassError(thrown).code !== 'store_busy') throw thrown
      await clock.sleep(SECOND)
    }
  }
}
