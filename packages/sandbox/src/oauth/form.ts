import type { Call } from '../endpoint.ts'
import { oauthRefusal } from '../refusal.ts'

/** The parameters of a token request. Empty ones are absent (RFC 6749, section 3.2). */
export type Form = Readonly<Record<string, string | undefined>>

export function formBody(call: Call): Form {
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw oauthRefusal(400, 'invalid_request', 'send the parameters as application/x-www-form-urlencoded')
  }
  const form = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(call.body.toString('utf8'))) {
    if (form.has(name)) throw oauthRefusal(400, 'invalid_request', `${name} is given more than once`)
    form.set(name, value)
  }
  return Object.fromEntries([...form].filter(([, value]) => value !== ''))
}

/** The value of a required parameter. Refuses with `invalid_request` if it is absent. */
export function required(form: Form, name: string): string {
  const value = form[name]
  if (value === undefined) throw oauthRefusal(400, 'invalid_request', `${name} is missing`)
  return value
}
