import { report } from '@guestpass/core'
import { auditRecord } from '@guestpass/core/store-kit'
import { latestRecords, listDocument } from '@guestpass/runtime'
import * as z from 'zod'
import { callerOf } from '../auth/authenticate.ts'
import * as schemas from '../schemas/operations.ts'
import { answers, pageOf, pageQuery, text, writtenNumber } from '../schemas/parts.ts'
import { filterOf, recordQuery } from './record-filter.ts'
import type { App } from './route-parts.ts'
import { momentIn } from './times-in-query.ts'

const reader = { roles: ['operator', 'auditor'] } as const

const count = writtenNumber.int().min(1).max(Number.MAX_SAFE_INTEGER)

const auditQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: count.optional().describe('`pagination.cursor` of the page before: only older records'),
  since: text.optional().describe('the time of the oldest record: an age as 90m, or a time in ISO 8601'),
  ...recordQuery.shape,
})

/** Adds the routes that read the audit log and the report. */
export function addAuditRoutes(app: App): void {
  const tags = ['audit']
  app.route({
    method: 'GET',
    url: '/v1/audit',
    config: reader,
    schema: {
      operationId: 'listAuditRecords',
      tags,
      summary: 'Read the audit log: the newest records in the order of the chain, then older pages',
      querystring: auditQuery,
      response: answers({ 200: pageOf(schemas.auditRecord) }),
    },
    async handler(request) {
      const { served } = callerOf(request)
      const { limit, cursor } = request.query
      const filter = await filterOf(served, request.query)
      const { links, hasMore } = await latestRecords(served.runtime.store, filter, { lines: limit, before: cursor })
      return listDocument(
        links.map(({ event }) => auditRecord(event)),
        hasMore ? String(links[0]?.count) : undefined,
      )
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/audit/verify',
    config: reader,
    schema: {
      operationId: 'verifyAuditLog',
      tags,
      summary: 'Check that the audit log was not changed or cut off',
      querystring: z.strictObject({
        fromLast: z
          .enum(['true', 'false'])
          .default('false')
          .describe('check only the records after the last checkpoint, which takes the same time for any log'),
      }),
      response: answers({ 200: schemas.auditVerdict }),
    },
    async handler(request) {
      const { auditLog } = callerOf(request).served.runtime
      return auditLog.verify([], { fromLast: request.query.fromLast === 'true' })
    },
  })
  addReportRoutes(app)
}

function addReportRoutes(app: App): void {
  app.route({
    method: 'GET',
    url: '/v1/report',
    config: reader,
    schema: {
      operationId: 'report',
      tags: ['operation'],
      summary: 'Report what the connection did, from its stored events',
      querystring: z.strictObject({
        since: text.optional().describe('only events since then: an age as 24h, or a time in ISO 8601'),
      }),
      response: answers({ 200: schemas.report }),
    },
    async handler(request) {
      const { name, runtime } = callerOf(request).served
      const since = momentIn('since', request.query.since, runtime.ports.clock.wall())
      return report(runtime.store, name, { since })
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/health',
    config: { roles: ['operator'] },
    schema: {
      operationId: 'health',
      tags: ['operation'],
      summary: 'Show the state of the store, of each worker and of the queues',
      response: answers({ 200: schemas.health }),
    },
    handler: (request) => callerOf(request).served.background.health(),
  })
}
