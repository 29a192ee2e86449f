/**
 * Sends requests that are made from the OpenAPI document to every route of the service, as every kind of sender:
 * `npm run fuzz -- --seconds 20 --seed 7`. Exits with 0 only if no input made a fault of the service, and no sender
 * saw or did what its key does not allow.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { wholeNumber } from '../whole-number.ts'
import { allSenders, checkRequest, fuzzTarget } from './target.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const seconds = wholeNumber('seconds', values.seconds)
const seed = wholeNumber('seed', values.seed)

/** Requests that one round sends to each route, as each sender. */
const ROUND = 10

const target = await fuzzTarget()
const until = performance.now() + seconds * 1_000
const statuses = new Map<number, number>()
const faults: string[] = []
console.log(`seed ${seed}: ${target.routes.length} routes, ${allSenders.length} senders, ${seconds} s`)
let rounds = 0
for (; performance.now() < until && faults.length === 0; rounds += 1)
  for (const route of target.routes) {
    const property = fc.asyncProperty(route.requests, async (request) => {
      for (const sender of allSenders) {
        const status = await checkRequest(target, route, request, sender)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })
    const result = await fc.check(property, { numRuns: ROUND, seed: seed + rounds })
    if (result.failed)
      faults.push(
        `${String(result.errorInstance)}\n  request: ${JSON.stringify(result.counterexample).slice(0, 2_000)}`,
      )
  }
await target.on.close()

const sorted = [...statuses].filter(([status]) => status > 0).sort(([one], [other]) => one - other)
const sent = sorted.reduce((sum, [, count]) => sum + count, 0)
console.log(
  `${sent} requests in ${rounds} rounds: ${sorted.map(([status, count]) => `${status}: ${count}`).join(', ')}`,
)
for (const fault of faults) console.error(fault)
console.log(faults.length === 0 ? 'no fault' : `${faults.length} routes with a fault`)
console.log(`again: npm run fuzz -- --seconds ${seconds} --seed ${seed}`)
process.exitCode = faults.length === 0 ? 0 : 1
