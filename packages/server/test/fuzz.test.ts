import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { checkRequest, fuzzTarget, type Sender } from '../../../tools/fuzz/target.ts'

const target = await fuzzTarget()
afterAll(() => target.on.close())

/** `npm run fuzz` sends as every sender, and for longer. */
const senders: readonly Sender[] = ['operator', 'issuer', 'connection', 'wrong']

it.each(target.routes.map((route) => [route.name, route] as const))(
  '%s answers odd requests without a fault of its own, and shows no guest of others',
  async (_name, route) => {
    const property = fc.asyncProperty(route.requests, async (request) => {
      for (const sender of senders) await checkRequest(target, route, request, sender)
    })
    await fc.assert(property, { numRuns: 6 })
    expect(target.hidden).toHaveLength(5)
  },
)
