import { type Credential, type Event, eventsOf } from '@guestpass/core'
import { type CreateFindings, createFindings, type GivenGuest } from './creates/findings.ts'
import { connectionOf, type PersonApi, personApis } from './creates/persons.ts'
import { type Acknowledged, type Findings, findings } from './findings.ts'
import type { Scene } from './scene.ts'

/** Gathers the evidence, in its order, and judges it. */
export type Look = (
  acknowledged: readonly Acknowledged[],
  given: readonly GivenGuest[],
  persons: Readonly<Record<PersonApi, number>>,
) => Promise<{ readonly refreshes: Findings; readonly creates: CreateFindings }>

/** Whatever a look has read was given to somebody, too: what it has seen must be there, or be replaced, at the next. */
export function look({ upstream, store }: Scene): Look {
  const seen = new Map<string, Acknowledged>()

  async function credentials(connection: string): Promise<readonly Credential[]> {
    const all: Credential[] = []
    for (let after: string | undefined; ; ) {
      const page = await store.list(connection, {
        kind: 'guest',
        limit: 1_000,
        ...(after === undefined ? {} : { after }),
      })
      all.push(...page.credentials)
      after = page.next
      if (after === undefined) return all
    }
  }

  async function events(connection: string): Promise<readonly Event[]> {
    const all: Event[] = []
    for await (const event of eventsOf(store, connection)) all.push(event)
    return all
  }

  return async (acknowledged, givenGuests, persons) => {
    const given = [...acknowledged, ...seen.values()]
    const journal = upstream.journal()
    const connections = [...new Set(personApis.map(connectionOf))]
    const stands = (await Promise.all(connections.map(credentials))).flat()
    const told = (await Promise.all(connections.map(events))).flat()
    const ephemeral = stands.filter(({ api }) => api === 'guest-tokens')
    for (const { id, generation, tokens } of ephemeral) {
      const token = tokens?.access.reveal() ?? ''
      seen.set(`${id} ${generation} ${token}`, { guestId: id, generation, token })
    }
    return {
      refreshes: findings({ acknowledged: given, journal, credentials: ephemeral, events: told }),
      creates: createFindings({ given: givenGuests, journal, credentials: stands, events: told, persons }),
    }
  }
}
