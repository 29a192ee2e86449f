import { guestRecords } from '@guestpass/core'
import { eventTypes } from '@guestpass/core/runtime-kit'
import type { RecordFilter } from '@guestpass/runtime'
import * as z from 'zod'
import type { ServedConnection } from '../connections/served-connection.ts'
import { apiQuery, text } from '../schemas/parts.ts'
import { momentIn } from './times-in-query.ts'

/** The types in a query: one, or several separated by commas. */
const typesInQuery = z
  .string()
  .max(2_000)
  .transform((written) => written.split(','))
  .pipe(z.array(z.enum(eventTypes)))

/** The members of a query that choose audit records. */
export const recordQuery = z.strictObject({
  event: typesInQuery.optional().describe('types of records, separated by commas'),
  guest: text.optional().describe('only the records of this guest'),
  api: apiQuery.shape.api,
})

/** Which records a query wants. Rejects with `guest_unknown`, and with `invalid_input` for a wrong time. */
export async function filterOf(
  { name, runtime: { ports } }: ServedConnection,
  { guest, api, since, event }: z.output<typeof recordQuery> & { readonly since?: string | undefined },
): Promise<RecordFilter> {
  const records = guestRecords({ connection: name }, ports)
  const subject = guest === undefined ? undefined : (await records.show(guest, { api })).subject
  return { connection: name, subject, events: event, since: momentIn('since', since, ports.clock.wall()) }
}
