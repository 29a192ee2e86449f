import { guestApis } from '@guestpass/core'
import { errorCatalogue } from '@guestpass/core/runtime-kit'
import * as z from 'zod'

/*
 * Schemas of the routes. Each is written once: it checks requests, types handlers, and becomes a part of the OpenAPI
 * document. Answers are not checked: the functions that make them are shared with the command line.
 */

/** A time in ISO 8601, in UTC. */
export const time = z.iso.datetime().describe('ISO 8601 in UTC')

/** A problem document (RFC 9457). */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorCatalogue) as [string, ...string[]]).describe('docs/errors.md explains each code'),
    retryable: z.boolean().describe('whether the same request may succeed later'),
    retryAt: time.optional(),
    requestId: z.string().optional(),
    fields: z
      .array(z.object({ field: z.string(), message: z.string(), remedy: z.string() }))
      .optional()
      .describe('every fault of the request'),
    upstream: z.object({ status: z.int(), code: z.string().optional(), requestId: z.string().optional() }).optional(),
    reason: z.string().optional(),
  })
  .meta({ id: 'Problem' })

const problemAnswer = {
  description: 'A problem document (RFC 9457)',
  content: { 'application/problem+json': { schema: problem } },
}

/** The answers of a route: those that are given, and problems. */
export const answers = <const A extends Readonly<Record<number, unknown>>>(given: A) => ({
  ...given,
  '4xx': problemAnswer,
  '5xx': problemAnswer,
})

/** A page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    data: z.array(item),
    pagination: z.object({
      cursor: z.string().nullable().describe('where the next page begins; null on the last page'),
      hasMore: z.boolean(),
    }),
  })

/** A number in a query or a path. */
export const writtenNumber = z.coerce.number({ error: 'is not a number' })

/** The query of a list with pages. */
export const pageQuery = {
  limit: writtenNumber.int().min(1).max(1_000).default(100).describe('items on a page'),
  cursor: z.string().min(1).max(1_000).optional().describe('`pagination.cursor` of the page before'),
}

/** The API of a guest, where another API has a guest of the same id. */
export const apiQuery = z.strictObject({
  api: z.enum(guestApis).optional().describe('the API of the guest, where another one has a guest of the same id'),
})

export const guestParams = z.object({ guestId: z.string().min(1).max(1_000) })

/** Rules that no schema states are checked by the functions that the route calls. */
export const text = z.string().max(20_000)
