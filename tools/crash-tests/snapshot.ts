import { type CreateReport, createReport, type GivenGuest } from './creates/create-report.ts'
import { connectionOf, type PersonApi, personApis } from './creates/persons.ts'
import { type Acknowledged, type InvariantReport, invariantReport } from './invariant-report.ts'
import { storedEvents, storedGuests } from './stored-records.ts'
import type { TestEnvironment } from './test-environment.ts'

/** Reads journal, store and events, in this order, and checks the invariants on them. */
export type TakeSnapshot = (
  acknowledged: readonly Acknowledged[],
  given: readonly GivenGuest[],
  persons: Readonly<Record<PersonApi, number>>,
) => Promise<{ readonly refreshes: InvariantReport; readonly creates: CreateReport }>

/**
 * A token that a snapshot has read counts as acknowledged: the next one must have it, or a later generation.
 */
export function createSnapshots({ upstream, store }: TestEnvironment): TakeSnapshot {
  const seen = new Map<string, Acknowledged>()

  return async (acknowledged, givenGuests, persons) => {
    const given = [...acknowledged, ...seen.values()]
    const journal = upstream.journal()
    const connections = [...new Set(personApis.map(connectionOf))]
    const stored = (await Promise.all(connections.map((name) => storedGuests(store, name)))).flat()
    const recorded = (await Promise.all(connections.map((name) => storedEvents(store, name)))).flat()
    const ephemeral = stored.filter(({ api }) => api === 'guest-tokens')
    for (const { id, generation, tokens } of ephemeral) {
      const token = tokens?.access.reveal() ?? ''
      seen.set(`${id} ${generation} ${token}`, { guestId: id, generation, token })
    }
    return {
      refreshes: invariantReport({ acknowledged: given, journal, credentials: ephemeral, events: recorded }),
      creates: createReport({ given: givenGuests, journal, credentials: stored, events: recorded, persons }),
    }
  }
}
