import { type Credential, type Event, eventsOf } from '@guestpass/core'
import { type Acknowledged, type Findings, findings } from './findings.ts'
import { CONNECTION, type Scene } from './scene.ts'

/** Gathers the evidence, in its order, and judges it. */
export type Look = (acknowledged: readonly Acknowledged[]) => Promise<Findings>

/** Whatever a look has read was given to somebody, too: what it has seen must be there, or be replaced, at the next. */
export function look({ upstream, store }: Scene): Look {
  const seen = new Map<string, Acknowledged>()

  async function credentials(): Promise<readonly Credential[]> {
    const all: Credential[] = []
    for (let after: string | undefined; ; ) {
      const page = await store.list(CONNECTION, {
        kind: 'guest',
        limit: 1_000,
        ...(after === undefined ? {} : { after }),
      })
      all.push(...page.credentials)
      after = page.next
      if (after === undefined) return all
    }
  }

  async function events(): Promise<readonly Event[]> {
    const all: Event[] = []
    for await (const event of eventsOf(store, CONNECTION)) all.push(event)
    return all
  }

  return async (acknowledged) => {
    const given = [...acknowledged, ...seen.values()]
    const journal = upstream.journal()
    const stands = await credentials()
    for (const { id, generation, tokens } of stands) {
      const token = tokens?.access.reveal() ?? ''
      seen.set(`${id} ${generation} ${token}`, { guestId: id, generation, token })
    }
    return findings({ acknowledged: given, journal, credentials: stands, events: await events() })
  }
}
