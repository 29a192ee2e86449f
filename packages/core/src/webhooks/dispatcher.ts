import type { Outbox } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { incoming, queueOf, wants } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'

/** Gives every event of a connection to the queues of the endpoints that want it, so that no endpoint waits for another. */
export const dispatcher = (connection: string, endpoints: Endpoints, outbox: Outbox): Sink => ({
  name: incoming(connection),
  async deliver(due) {
    const all = await endpoints.all()
    const letters = due.map(({ event }) => ({
      event: event.id,
      to: all.filter((endpoint) => wants(endpoint, event)).map(({ id }) => queueOf(connection, id)),
    }))
    await outbox.forward(incoming(connection), letters)
    return due.map(({ event }) => ({ event: event.id, then: 'done' }))
  },
})
