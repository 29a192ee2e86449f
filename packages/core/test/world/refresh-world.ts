import { expect } from 'vitest'
import type { Connection, ConnectionOptions, ConnectionPorts } from '../../src/connection/connection.ts'
import { type GuestCredential, guestIn } from '../../src/domain/credential.ts'
import type { Event } from '../../src/domain/events/event.ts'
import { guestScopes } from '../../src/upstream/guest-tokens/scopes.ts'
import { type RefreshingUpstream, refreshingUpstream } from './refreshing-upstream.ts'
import { type World, world } from './world.ts'

export const ID = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'
export const request = { guestId: ID, scopes: [guestScopes[0] ?? '', guestScopes[1] ?? ''] }

export interface RefreshWorld extends Omit<World, 'upstream'> {
  readonly upstream: RefreshingUpstream
  /** The guest as it is stored. */
  row(id?: string): Promise<GuestCredential | undefined>
  /** Types of the events about guests. */
  recorded(): Promise<readonly string[]>
}

/** A world whose upstream refreshes. `repeats`: processes repeat their tries, as they do by default. */
export function refreshWorld({ repeats = false }: { readonly repeats?: boolean } = {}): RefreshWorld {
  const here = world()
  const upstream = refreshingUpstream(here.clock)
  const policy: ConnectionOptions['policy'] = {
    retry: { retries: repeats ? 3 : 0 },
    limit: { perMinute: 60_000, burst: 1_000 },
    breaker: { atLeast: 1_000 },
  }
  return {
    ...here,
    upstream,
    process: (options: Partial<ConnectionOptions> = {}, ports: Partial<ConnectionPorts> = {}): Promise<Connection> =>
      here.process({ policy, ...options }, { http: upstream.http, ...ports }),
    row: async (id = ID) => guestIn(await here.store.find('default', id)),
    recorded: async () => typesOf(await here.events()),
  }
}

export const typesOf = (events: readonly Event[]): readonly string[] =>
  events.map(({ type }) => type).filter((type) => !type.startsWith('ACCESS_'))

/** One process, and a guest that it issued for an hour. */
export async function issued(options: { readonly repeats?: boolean } = {}, more: Partial<ConnectionOptions> = {}) {
  const here = refreshWorld(options)
  const connection = await here.process(more)
  const first = await connection.guests.issue(request)
  return { ...here, connection, guests: connection.guests, first: first.token.reveal() }
}

/** Exactly one refresh took effect, all requests for it bore one key, and that key was a UUID v4. */
export function expectOneEffect({ refreshes, effects }: RefreshingUpstream, requests: number): void {
  const keys = new Set(refreshes.map(({ key }) => key))
  expect({ requests: refreshes.length, keys: keys.size, effects: effects(ID) }).toEqual({
    requests,
    keys: 1,
    effects: 1,
  })
  expect([...keys][0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
}
