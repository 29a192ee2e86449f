import type { Event, Store } from '@guestpass/core'
import { eventsOf, pagesOf } from '@guestpass/core/runtime-kit'
import { type GuestCredential, guestsIn } from '@guestpass/core/store-kit'

/** All guests of a connection. */
export async function storedGuests(
  store: Pick<Store, 'list'>,
  connection: string,
): Promise<readonly GuestCredential[]> {
  const all: GuestCredential[] = []
  for await (const page of pagesOf((start) => store.list(connection, { kind: 'guest', limit: 1_000, ...start })))
    all.push(...guestsIn(page))
  return all
}

/** All events of the audit chain of a connection. */
export async function storedEvents(store: Store, connection: string): Promise<readonly Event[]> {
  const all: Event[] = []
  for await (const event of eventsOf(store, connection)) all.push(event)
  return all
}
