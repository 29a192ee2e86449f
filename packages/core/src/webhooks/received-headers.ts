/**
 * The headers of a request, in a form that servers have: `Headers`, also of another library, or an object
 * with names in any case. Its values are texts (`request.headers` of Node, Express, Fastify) or lists
 * (`headersDistinct` of Node, `multiValueHeaders` of AWS).
 */
export type ReceivedHeaders =
  | Pick<Headers, 'get'>
  | Readonly<Record<string, string | readonly string[] | null | undefined>>

/** The value of a header, or as a clause what is wrong with it. */
type FoundHeader = { readonly value: string } | { readonly fault: string }

/** Finds the one value of a header; `name` is in lower case. A header that is present twice has a fault. */
export function singleHeader(headers: ReceivedHeaders, name: string): FoundHeader {
  const values = valuesOf(headers, name)
  const [value] = values
  if (value === undefined || value === '') return { fault: `the header ${name} is missing` }
  // Several of one name are joined by comma and blank where they are given as one text (RFC 9110, section
  // 5.3).
  if (values.length > 1 || value.includes(', ')) return { fault: `the header ${name} is there more than once` }
  return { value }
}

/** All values of a header as one text, as Fetch joins them; undefined if the header is missing. */
export function joinedHeader(headers: ReceivedHeaders, name: string): string | undefined {
  const values = valuesOf(headers, name)
  return values.length === 0 ? undefined : values.join(', ')
}

function valuesOf(headers: ReceivedHeaders, name: string): readonly string[] {
  if (typeof headers !== 'object' || headers === null) return []
  if (typeof headers.get === 'function') return texts(headers.get(name))
  return Object.entries(headers).flatMap(([one, value]) => (one.toLowerCase() === name ? texts(value) : []))
}

const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
