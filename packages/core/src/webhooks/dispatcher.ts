import type { Outbox } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { incoming, queueOf, wants } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import type { Registration } from './registration.ts'

/**
 * Gives every event of a connection to the queues of the endpoints that want it, so that no endpoint waits for another. Endpoints that only
 * the configuration of other processes has get theirs too, and are sent it by those.
 */
export const dispatcher = (
  connection: string,
  endpoints: Endpoints,
  { registered }: Pick<Registration, 'registered'>,
  outbox: Outbox,
): Sink => ({
  name: incoming(connection),
  async deliver(due) {
    const own = await endpoints.all()
    const others = (await registered()).filter(({ id }) => !own.some((endpoint) => endpoint.id === id))
    const all = [...own, ...others]
    const letters = due.map(({ event }) => ({
      event: event.id,
      to: all.filter((endpoint) => wants(endpoint, event)).map(({ id }) => queueOf(connection, id)),
    }))
    await outbox.forward(incoming(connection), letters)
    return due.map(({ event }) => ({ event: event.id, then: 'done' }))
  },
})
