import { type Event, type EventType, eventTypes } from '../domain/events/event.ts'
import { optionsError } from '../domain/options.ts'
import type { Outbox } from '../ports/store.ts'

/** The events that a route is called with in a test. */
interface RouteTest {
  readonly connection: string
  /** Default: all types. */
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

/**
 * An event that calls `onOther` when a route reads a member other than type, outcome and connection: the
 * result of the route may then differ between events of one type.
 */
function watchedEvent(known: Pick<Event, 'at' | 'connection' | 'type' | 'outcome'>, onOther: () => void): Event {
  const watch = (name: PropertyKey): void => {
    if (!Object.hasOwn(sample, name)) onOther()
  }
  return new Proxy<Event>({ ...known, ...otherMembers } as Event, {
    get(event, name) {
      watch(name)
      return Reflect.get(event, name) as unknown
    },
    has(event, name) {
      watch(name)
      return Reflect.has(event, name)
    },
    getOwnPropertyDescriptor(event, name) {
      watch(name)
      return Reflect.getOwnPropertyDescriptor(event, name)
    },
  })
}

/**
 * Whether the route of a store never names a sink. False also where this cannot be known, because the route
 * reads more of an event than its type, outcome and connection.
 */
function isNeverNamed(
  outbox: Pick<Outbox, 'sinksFor'>,
  sink: string,
  { connection, types = eventTypes }: RouteTest,
): boolean {
  let depends = false
  const onOther = (): void => void (depends = true)
  const isNamed = types.some((type) =>
    OUTCOMES.some((outcome) => {
      try {
        return outbox.sinksFor(watchedEvent({ ...sample, connection, type, outcome }, onOther)).includes(sink)
      } catch {
        return true
      }
    }),
  )
  return !isNamed && !depends
}

/**
 * Checks that the route of a store names a sink, because otherwise no event would be queued for it. Events
 * that other processes commit go by the routes of their own stores.
 *
 * Throws `config_invalid`, field `route`, where the route never names the sink.
 */
export function refuseUnrouted(
  factory: string,
  outbox: Pick<Outbox, 'sinksFor'>,
  sink: string,
  { message, remedy, ...test }: RouteTest & { readonly message: string; readonly remedy: string },
): void {
  if (!isNeverNamed(outbox, sink, test)) return
  throw optionsError(factory, { field: 'route', message, remedy })
}
