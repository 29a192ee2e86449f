import type { Outbox } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { incomingQueue, endpointQueue, isSubscribed } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import type { Registration } from './registration.ts'

/**
 * Makes the sink that moves each event of a connection to the queues of the endpoints that take its type.
 * Each endpoint has a queue, so that none waits for another. Endpoints that only other processes have in
 * their configuration get their events too; those processes deliver them.
 */
export const endpointRouter = (
  connection: string,
  endpoints: Endpoints,
  { registered }: Pick<Registration, 'registered'>,
  outbox: Outbox,
): Sink => ({
  name: incomingQueue(connection),
  async deliver(due) {
    const own = await endpoints.all()
    const others = (await registered()).filter(({ id }) => !own.some((endpoint) => endpoint.id === id))
    const all = [...own, ...others]
    const messages = due.map(({ event }) => ({
      event: event.id,
      to: all.filter((endpoint) => isSubscribed(endpoint, event)).map(({ id }) => endpointQueue(connection, id)),
    }))
    await outbox.route(incomingQueue(connection), messages)
    return due.map(({ event }) => ({ event: event.id, then: 'done' }))
  },
})
