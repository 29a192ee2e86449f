import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { lenient, object, type Read, text } from '../body.ts'
import { jsonRequest } from '../json-request.ts'

/** The profile of a customer in a CRM: texts of 1 to 256 characters, as the CRM writes them. */
export interface CrmProfile {
  readonly customerId?: string
  readonly tier?: string
  readonly lastInteraction?: string
}

/** The request for the profile of an address. */
export function profileRequest(crm: string, email: string): HttpRequest {
  const url = new URL(crm)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/profiles`
  url.searchParams.set('email', email)
  return jsonRequest('GET', url.href, { secrets: [new Secret(email)] })
}

/** Texts of 1 to 256 characters. Numbers count as texts, anything else as missing. */
const short = text({ most: 256 })
const fact = lenient((value) => short(typeof value === 'number' ? String(value) : value))

export const profileAnswer = object({ customerId: fact, tier: fact, lastInteraction: fact })

/** The profile, without what is missing; undefined if nothing is left. */
export function profileOf({ customerId, tier, lastInteraction }: Read<typeof profileAnswer>): CrmProfile | undefined {
  const profile = {
    ...(customerId === undefined ? {} : { customerId }),
    ...(tier === undefined ? {} : { tier }),
    ...(lastInteraction === undefined ? {} : { lastInteraction }),
  }
  return Object.keys(profile).length === 0 ? undefined : profile
}
