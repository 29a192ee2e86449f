import { inspect } from 'node:util'
import { expect } from 'vitest'
import type { Connection, ConnectionOptions, ConnectionPorts } from '../../src/connection/connection.ts'
import { type GuestCredential, guestIn } from '../../src/domain/credential.ts'
import type { Event, EventOf, EventType } from '../../src/domain/events/event.ts'
import type { EngagementRequest } from '../../src/upstream/guest-apis.ts'
import { settle } from '../../src/testing/index.ts'
import { applicantUpstream } from './applicant-upstream.ts'
import { world } from './world.ts'

export const EMAIL = 'ann.example@mail.example'
export const ann: EngagementRequest = {
  api: 'engagements',
  email: EMAIL,
  name: 'Ann Example',
  consent: true,
  channelId: 'web-1',
  attributes: { plan: 'gold' },
}
export const verified: EngagementRequest = { ...ann, assurance: 'verified' }
export const reuse: EngagementRequest = { ...verified, onDuplicate: 'reuse' }
export const replace: EngagementRequest = { ...verified, onDuplicate: 'replace' }

/** A world whose upstream makes guests for applicants. Requests are not repeated unless the options say so. */
export function applicantWorld() {
  const here = world()
  const upstream = applicantUpstream(here.clock)
  const process = (
    options: Partial<ConnectionOptions> = {},
    ports: Partial<ConnectionPorts> = {},
  ): Promise<Connection> => here.process(options, { http: upstream.http, ...ports })
  return {
    ...here,
    upstream,
    process,
    row: async (id: string): Promise<GuestCredential | undefined> => guestIn(await here.store.find('default', id)),
    /** Types of the events about guests. */
    recorded: async (): Promise<readonly string[]> => typesOf(await here.events()),
    /** The latest event of a type. */
    last: async <T extends EventType>(type: T): Promise<EventOf<T> | undefined> =>
      (await here.events()).filter((event): event is EventOf<T> => event.type === type).at(-1),
    /** Runs the background work on guests to its end. */
    async enriched({ guests }: Connection): Promise<void> {
      await settle()
      await guests.enrichment.drain(new AbortController().signal)
    },
  }
}

export const typesOf = (events: readonly Event[]): readonly string[] =>
  events.map(({ type }) => type).filter((type) => !type.startsWith('ACCESS_'))

/** Fails if one of the outputs names the person. */
export function expectNothingPersonal(...said: readonly unknown[]): void {
  for (const one of said) {
    const text = `${inspect(one, { depth: 20 })} ${JSON.stringify(one)} ${String(one)}`.toLowerCase()
    expect(text).not.toContain(EMAIL)
    expect(text).not.toContain('ann example')
  }
}

/** Waits until a condition holds, for as long as the machine needs. Fake time does not pass. */
export async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round += 1) {
    if (round > 10_000) throw new Error('the condition never held')
    await settle()
  }
}
