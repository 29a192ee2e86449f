import { type Millis, SECOND } from '../domain/time.ts'
import type { HttpAnswer } from '../ports/http.ts'
import type { Jwk } from './keys.ts'
import { own, strictObject } from './strict-json.ts'

/** Types that key-sets are served with; plain files often have no better one. */
const PLAUSIBLE_TYPE = /json|^text\/plain|^application\/octet-stream|^$/

const list = (value: unknown): readonly Jwk[] | undefined =>
  Array.isArray(value) ? (value as readonly Jwk[]) : undefined

/** The keys of an answer of status 200, or in a few words what is wrong with it. */
export function keysInAnswer({ headers, bytes }: HttpAnswer): readonly Jwk[] | string {
  const type = (headers['content-type'] ?? '').trim().toLowerCase()
  if (!PLAUSIBLE_TYPE.test(type)) return `it answered with ${type.split(';', 1)[0]} instead of JSON`
  if (bytes.length === 0) return 'it answered with nothing'
  const body = strictObject(bytes)
  const keys = body && list(own(body, 'keys'))
  if (!keys) return 'its answer is no JSON object with a list of keys'
  return keys.length === 0 ? 'its list of keys is empty' : keys
}

/** How long the answer may be kept by its own word (RFC 9111, 4.2), in milliseconds; undefined when it does not say, or 0. */
export function freshFor(headers: HttpAnswer['headers']): Millis | undefined {
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(headers['cache-control'] ?? '')?.[1]
  const left = Number(maxAge) - (Number(headers['age']) || 0)
  return left > 0 ? left * SECOND : undefined
}
