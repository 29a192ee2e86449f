import { finished, Readable } from 'node:stream'
import * as z from 'zod'
import { callerOf } from '../auth/authenticate.ts'
import { eventStream } from '../events/event-stream.ts'
import type { OpenStreams } from '../events/open-streams.ts'
import { answers } from '../schemas/parts.ts'
import { filterOf, recordQuery } from './record-filter.ts'
import type { App } from './route-parts.ts'

const lastEventId = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}$/, 'is not the id of an event')
    .optional()
    .describe('the id of the last event that was received; 0: from the first record on; default: only new ones'),
})

/** Adds the route of the event stream. */
export function addEventRoutes(app: App, streams: OpenStreams): void {
  app.route({
    method: 'GET',
    url: '/v1/events',
    config: { roles: ['operator', 'auditor'] },
    schema: {
      operationId: 'streamEvents',
      tags: ['audit'],
      summary: 'Follow the audit log as server-sent events, from any process on the store',
      querystring: recordQuery,
      headers: lastEventId,
      produces: ['text/event-stream'],
      response: answers({
        200: {
          description: 'Audit records as server-sent events',
          content: { 'text/event-stream': { schema: z.string() } },
        },
      }),
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const { runtime, name } = caller.served
      const filter = await filterOf(caller.served, request.query)
      const given = request.headers['last-event-id']
      const after = given === undefined ? (await runtime.store.chainHead(name)).count : Number(given)
      const { signal, close } = streams.open()
      // The client may have gone while the store was read.
      finished(reply.raw, close)
      return (
        reply
          .type('text/event-stream; charset=utf-8')
          // The end of a stream would leave an idle connection that a stopping instance waits for.
          .header('connection', 'close')
          .header('x-accel-buffering', 'no')
          .send(Readable.from(eventStream(caller, filter, after, signal)))
      )
    },
  })
}
