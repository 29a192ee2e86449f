import { type Event, type EventType, eventTypes } from '../domain/events/event.ts'
import { optionsError } from '../domain/options.ts'
import type { Outbox } from '../ports/store.ts'

/** What a route is tried with: events of a connection. */
interface RouteTest {
  readonly connection: string
  /** Default: all there are. */
  readonly types?: readonly EventType[]
}

const OUTCOMES: readonly Event['outcome'][] = ['success', 'failure', 'pending']

const sample = { at: 0, connection: '', type: 'KEYS_ROTATED', outcome: 'success' } as const
const otherMembers = {
  id: 'sample',
  actor: 'library',
  subject: 'sample',
  generation: 1,
  correlationId: 'sample',
} as const

/** An event that notes when something is asked of it that is not the same for all events of its type, outcome and connection. */
function watchedEvent(known: Pick<Event, 'at' | 'connection' | 'type' | 'outcome'>, note: () => void): Event {
  const noted = (name: PropertyKey): void => {
    if (!Object.hasOwn(sample, name)) note()
  }
  return new Proxy<Event>({ ...known, ...otherMembers } as Event, {
    get(event, name) {
      noted(name)
      return Reflect.get(event, name) as unknown
    },
    has(event, name) {
      noted(name)
      return Reflect.has(event, name)
    },
    getOwnPropertyDescriptor(event, name) {
      noted(name)
      return Reflect.getOwnPropertyDescriptor(event, name)
    },
  })
}

/**
 * Whether the route of a store never names a sink. False also where that is not known: the route may look at more of an event than its type,
 * outcome and connection.
 */
function isNeverNamed(
  outbox: Pick<Outbox, 'sinksFor'>,
  sink: string,
  { connection, types = eventTypes }: RouteTest,
): boolean {
  let depends = false
  const note = (): void => void (depends = true)
  const isNamed = types.some((type) =>
    OUTCOMES.some((outcome) => {
      try {
        return outbox.sinksFor(watchedEvent({ ...sample, connection, type, outcome }, note)).includes(sink)
      } catch {
        return true
      }
    }),
  )
  return !isNamed && !depends
}

/**
 * Throws `config_invalid`, field `route`, where the route of a store never names a sink: then no event would be queued for it. Events
 * that other processes commit go by the routes of their own stores.
 */
export function refuseUnrouted(
  factory: string,
  outbox: Pick<Outbox, 'sinksFor'>,
  sink: string,
  { message, remedy, ...tried }: RouteTest & { readonly message: string; readonly remedy: string },
): void {
  if (!isNeverNamed(outbox, sink, tried)) return
  throw optionsError(factory, { field: 'route', message, remedy })
}
