import { expect, it } from 'vitest'
import type { Store } from '../../../src/ports/store.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'

/** A store that names the calls that are made of it. */
function counting(store: Store): { readonly store: Store; readonly calls: string[] } {
  const calls: string[] = []
  const counted = new Proxy(store, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls.push([String(name), nameOf(args[1])].join(' ').trim())
        return Reflect.apply(value, of, args) as unknown
      }
    },
  })
  return { store: counted, calls }
}

/** The kind of a document, or what a lease is for. */
const nameOf = (argument: unknown): string => (typeof argument === 'string' ? (argument.split(':')[0] ?? '') : '')

/** What the enrichment that begins meanwhile asks of the store. */
const isAside = (call: string): boolean => /^(lease enrich|document enrichment|reservePermits)/.test(call)

it('makes a new guest with nine store calls, besides its permit and the check for revocation', async () => {
  const here = applicantWorld()
  const { store, calls } = counting(here.store)
  const connection = await here.process({}, { store })
  await connection.guests.issue({ ...ann, email: 'bob@mail.example' })
  await here.enriched(connection)
  calls.length = 0
  await connection.guests.issue(ann)
  const own = calls.slice(0, calls.indexOf('release guest') + 1).filter((call) => !isAside(call))
  expect(own.map((call) => call.replace(/^(find|denied) .*/, '$1'))).toEqual([
    'document duplicate',
    'find',
    'lease guest',
    'ensureRoom',
    'commit',
    'document duplicate',
    'denied',
    'countDocuments',
    'commit',
    'release guest',
  ])
})
