import type { IncomingHttpHeaders } from 'node:http'

/** A request as it came in. */
export interface Came {
  /** `METHOD path`. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status: number
  /** A text is sent as HTML, anything else as JSON. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const ok = (body: unknown): Answer => ({ status: 200, body })

/** A refusal of an API: a body that is not as documented, unless the status says otherwise. */
export const refuse = (message: string, status = 400): Answer => ({
  status,
  body: { message, code: status === 400 ? 'bad.request' : 'refused', status },
})

/** The names of the members that a body must not have, or must have and has not. */
export function oddMembers(
  body: object,
  { needs, may = [] }: { readonly needs: readonly string[]; readonly may?: readonly string[] },
): readonly string[] {
  const names = Object.keys(body)
  return [
    ...needs.filter((name) => !names.includes(name)),
    ...names.filter((name) => ![...needs, ...may].includes(name)),
  ]
}

export type Body = Readonly<Record<string, unknown>>

/** One call of an API: the scopes that it needs, and what it does with the id in its path and with its body. */
export interface Call {
  readonly at: RegExp
  readonly scopes: readonly string[]
  /** The status without those scopes. Default 403. */
  readonly refusal?: number
  readonly works: (came: Came, id: string, body: Body) => Answer
}

export const UUID = /^[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

/** Undefined: it is none of these calls. `granted`: the scopes of the access token. */
export function answerOf(calls: readonly Call[], came: Came, granted: readonly string[]): Answer | undefined {
  for (const { at, scopes, refusal = 403, works } of calls) {
    const match = at.exec(came.key)
    if (!match) continue
    if (!scopes.every((scope) => granted.includes(scope))) return refuse('missing scope', refusal)
    const isJson = came.headers['content-type']?.startsWith('application/json') === true
    if (came.body !== '' && !isJson) return refuse('not JSON', 415)
    return works(came, match[1] ?? '', came.body === '' ? {} : (JSON.parse(came.body) as Body))
  }
  return undefined
}
