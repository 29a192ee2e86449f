import { createHash } from 'node:crypto'
import { iso } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { apiRefusal } from '../refusal.ts'

const tiers: readonly string[] = ['bronze', 'silver', 'gold', 'platinum']

/** Every customer had the last interaction within a year from this time. */
const FIRST_INTERACTION = Date.UTC(2025, 0, 1)
const MINUTES_OF_YEAR = 365 * 24 * 60

/**
 * `GET /crm/profiles?email=`: a made-up customer, always the same one for an address. It answers 404 for the
 * addresses `unknown@…` and `unknown+…@…`.
 */
export function profilesEndpoint(): Endpoint {
  return {
    operation: 'crm',
    method: 'GET',
    paths: ['/crm/profiles'],
    dialect: 'api',
    answer: ({ query }) => {
      const email = query.get('email')?.trim().toLowerCase() ?? ''
      if (email === '')
        throw refused(400, 'parameters.missing', 'The parameter email is missing. Name the address: ?email=…')
      if (/^unknown(\+[^@]*)?@/.test(email)) throw refused(404, 'not.found', 'No customer has this address.')
      return { status: 200, json: profile(email) }
    },
  }
}

function profile(email: string) {
  const seed = createHash('sha256').update(email).digest()
  return {
    customerId: `C-${seed.toString('hex', 0, 5).toUpperCase()}`,
    tier: tiers[seed.readUInt8(5) % tiers.length],
    lastInteraction: iso(FIRST_INTERACTION + (seed.readUInt32BE(6) % MINUTES_OF_YEAR) * 60_000),
  }
}

function refused(status: number, code: string, message: string) {
  const details = [{ errorCode: code, fieldName: 'email', message }]
  return apiRefusal({ status, code, message, details })
}
