import type { Context } from '../domain/context.ts'
import type { Credential } from '../domain/credential.ts'
import type { About } from '../domain/event.ts'
import type { Ask, Windows } from '../domain/plan.ts'
import { GuestpassError } from '../errors.ts'
import { lanes } from '../policy/lanes.ts'
import { type Current, type Renewable, type Renewal, renewal, type RenewalPorts } from '../tokens/renewal.ts'
import { unknownGuest } from './records.ts'
import type { Telling } from './telling.ts'
import type { Way } from './way.ts'

export interface SessionsParts {
  readonly connection: string
  /** By API. */
  readonly ways: Readonly<Record<string, Way>>
  readonly telling: Telling
  readonly windows: Windows
}

/** The guests' tokens over time. */
export interface Sessions {
  /** The guest with a token that is valid now, renewed if due. Rejects with `guest_unknown`, `guest_revoked`, … */
  current(guestId: string, ask: Ask, context?: Context): Promise<Current>
}

/** Renews guest tokens, each in the way of the API that it is of. */
export function sessions(parts: SessionsParts, ports: RenewalPorts): Sessions {
  const { connection, telling, ways } = parts

  /** The renewals of the guests asked for lately, so that callers share one and what failed is not repeated for each. */
  const known = lanes((): { renewal?: Renewal } => ({}), { busy: ({ renewal }) => renewal?.busy ?? false })

  function wayOf({ id, api }: Credential): Way {
    const way = ways[api]
    if (way) return way
    throw new GuestpassError('refresh_impossible', `Guest ${id} is of the API ${api}, which nothing here renews.`)
  }

  function renewable(id: string): Renewable {
    let about: About | undefined
    const aboutOf = (credential: Credential): About => (about ??= telling.about(credential))
    return {
      connection,
      id,
      windows: parts.windows,
      blank() {
        throw unknownGuest(connection, id)
      },
      prepare(credential, now) {
        const way = wayOf(credential)
        way.available()
        about = telling.about(credential)
        const next = way.prepare(credential, now)
        if (!next) return undefined
        const begins = next.intent && next.intent.id !== credential.intent?.id
        return { credential: next, events: begins ? [telling.initiated(next, about, now)] : [] }
      },
      async renew(credential, now) {
        const made = await wayOf(credential).renew({ credential, about: aboutOf(credential), now })
        return { ...made, done: () => telling.announce(made, now()) }
      },
      otherwise(credential, error, now) {
        const next = wayOf(credential).otherwise(credential, error, now)
        if (!next) return undefined
        return { credential: next, events: [telling.failed(credential, aboutOf(credential), error, now)] }
      },
      left: (credential, error) => wayOf(credential).left?.(credential, error) ?? credential,
      failed: (credential, error, now) => [telling.failed(credential, aboutOf(credential), error, now)],
    }
  }

  return {
    current(guestId, ask) {
      const lane = known({ connection, lane: guestId })
      lane.renewal ??= renewal(renewable(guestId), ports)
      return lane.renewal.current(ask)
    },
  }
}
