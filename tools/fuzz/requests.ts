import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { oddText, type Schema, valueOf } from './values.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: Schema
}

interface Operation {
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}

/** The parts of the OpenAPI document that requests are made from. */
export interface FuzzedDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** A request to send. */
export interface FuzzedRequest {
  readonly method: string
  readonly url: string
  readonly payload?: string | Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** A route, with requests for it. */
export interface FuzzedRoute {
  /** Method and path, as `POST /v1/guests`. */
  readonly name: string
  /** The roles that may call it. Empty: it needs no key, or decides by itself. */
  readonly roles: readonly string[]
  readonly requests: fc.Arbitrary<FuzzedRequest>
}

/**
 * Makes requests for each route of the document but for event streams, which have no end.
 *
 * @param ids ids that exist, which path parameters have now and then
 */
export function fuzzedRoutes(document: FuzzedDocument, ids: readonly string[]): readonly FuzzedRoute[] {
  return Object.entries(document.paths)
    .filter(([path]) => path !== '/v1/events')
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const name = `${method.toUpperCase()} ${path}`
        const roles = Array.from((operation.description ?? '').matchAll(/`(\w+)`/g), ([, role = '']) => role)
        return { name, roles, requests: requestsOf({ path, method: method.toUpperCase(), operation, document, ids }) }
      }),
    )
}

interface RouteParts {
  readonly path: string
  readonly method: string
  readonly operation: Operation
  readonly document: FuzzedDocument
  readonly ids: readonly string[]
}

const encoded = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return encodeURIComponent(text.toWellFormed())
}

/** Whether a header can have the value. */
const isHeaderText = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text)

function requestsOf({ path, method, operation, document, ids }: RouteParts): fc.Arbitrary<FuzzedRequest> {
  const { parameters = [], requestBody } = operation
  const { schemas } = document.components
  const known = ids.length === 0 ? oddText : fc.constantFrom(...ids)
  /** Undefined: the parameter is left out. */
  const valueFor = ({ schema, in: place }: Parameter) =>
    fc.oneof(
      { weight: 3, arbitrary: place === 'path' ? known : fc.constant(undefined) },
      valueOf(schema, schemas),
      oddText,
    )
  const values = fc.record(Object.fromEntries(parameters.map((one) => [one.name, valueFor(one)])))
  const schema = requestBody?.content['application/json'].schema
  const body = schema ? valueOf(schema, schemas).map(asJson) : fc.constant(undefined)
  return fc.tuple(values, body, oddBody, oddHeaders).map(([given, json, odd, headers]) => {
    const of = (place: string) => parameters.filter((one) => one.in === place && given[one.name] !== undefined)
    const filled = of('path').reduce((all, { name }) => all.replace(`{${name}}`, encoded(given[name])), path)
    const query = of('query').map(({ name }) => `${name}=${encoded(given[name])}`)
    const own = of('header').map(({ name }) => [name, String(given[name])] as const)
    const payload = odd?.payload ?? json
    return {
      method,
      url: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
      headers: {
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...Object.fromEntries(own.filter(([, text]) => isHeaderText(text))),
        ...odd?.headers,
        ...headers,
      },
      ...(payload === undefined ? {} : { payload }),
    }
  })
}

const asJson = (value: unknown): string | undefined => JSON.stringify(value)?.toWellFormed()

interface OddBody {
  readonly payload: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Bodies that are no JSON of a route: malformed, huge, deep, and of other encodings. Mostly none of them. */
const oddBody: fc.Arbitrary<OddBody | undefined> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  oddText.map((text) => ({ payload: text.toWellFormed() })),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ payload: Buffer.from(bytes) })),
  fc.constantFrom<OddBody>(
    { payload: `{"a": "${'x'.repeat(70_000)}"}` },
    { payload: `{"a": "${'x'.repeat(60_000)}"}` },
    { payload: nested(10_000) },
    { payload: '{"a": 1, "a": 2}' },
    { payload: '\ufeff{}' },
    {
      payload: Buffer.from('{"email": "a@mail.test"}', 'utf16le'),
      headers: { 'content-type': 'application/json; charset=utf-16' },
    },
    { payload: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } },
    { payload: '{}', headers: { 'content-type': 'text/plain' } },
    { payload: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { payload: '--x\r\n\r\n--x--', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    { payload: '{}', headers: { 'content-type': 'application/json; charset=\u00e4' } },
  ),
)

/** Headers that a service reads, with values that it does not expect. Mostly none. */
const oddHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.dictionary(
    fc.constantFrom(
      'accept',
      'cookie',
      'expect',
      'forwarded',
      'if-none-match',
      'idempotency-key',
      'last-event-id',
      'origin',
      'range',
      'sec-fetch-site',
      'traceparent',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-http-method-override',
      'x-request-id',
    ),
    fc.oneof(
      oddText.filter(isHeaderText),
      fc.constantFrom(
        'guestpass-session=default~' + 'A'.repeat(43),
        'guestpass-session=%ff~x; __Host-guestpass-session=',
        '00-' + '0'.repeat(32) + '-' + '0'.repeat(16) + '-01',
        'DELETE',
        'https://evil.test',
        'bytes=0-',
      ),
    ),
    { maxKeys: 3 },
  ),
)
