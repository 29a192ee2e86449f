import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApiDocument } from '../src/index.ts'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests({ sandbox: { rateLimit: { perMinute: 100_000, burst: 100_000 } } })
})
afterAll(() => on.close())

type Schema = Readonly<Record<string, unknown>>
interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Schema
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const document = (await openApiDocument('0.0.0')) as unknown as Document

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '%00',
    '../..',
    '%2e%2e',
    'null',
    '-1',
    '1e309',
    '\u0000',
    '\ud800',
    'x'.repeat(3_000),
  ),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)

/** Values that fit a schema, as far as they matter, and values that do not. */
function valueOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const { $ref, type, properties, items, oneOf, anyOf } = schema as {
    readonly $ref?: string
    readonly type?: string | readonly string[]
    readonly properties?: Readonly<Record<string, Schema>>
    readonly items?: Schema
    readonly oneOf?: readonly Schema[]
    readonly anyOf?: readonly Schema[]
  }
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), oddText, fc.constant({ ['__proto__']: 1 }))
  if (depth > 4) return odd
  if ($ref) return valueOf(document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1)
  const choices = oneOf ?? anyOf
  if (choices) return fc.oneof(...choices.map((one) => valueOf(one, depth + 1)))
  const known = [schema['const'], ...((schema['enum'] as readonly unknown[] | undefined) ?? [])].filter(
    (one) => one !== undefined,
  )
  if (known.length > 0) return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, odd)
  if (properties) {
    const members = Object.entries(properties).map(([name, of]) => [name, valueOf(of, depth + 1)] as const)
    return fc.oneof({ weight: 6, arbitrary: fc.record(Object.fromEntries(members), { requiredKeys: [] }) }, odd)
  }
  if (type === 'array')
    return fc.oneof({ weight: 4, arbitrary: fc.array(valueOf(items ?? {}, depth + 1), { maxLength: 4 }) }, odd)
  if (type === 'integer' || type === 'number') return fc.oneof(fc.integer(), fc.double(), odd)
  if (type === 'boolean') return fc.oneof(fc.boolean(), odd)
  return fc.oneof(oddText, fc.constantFrom('a@mail.test', 'webmessaging:guest:send', '1h', 'https://x.test'), odd)
}

const inPath = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return encodeURIComponent(text.toWellFormed())
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly payload?: string
  readonly headers: Readonly<Record<string, string>>
}

function requestOf(path: string, method: string, { parameters = [], requestBody }: Operation): fc.Arbitrary<Asked> {
  const values = fc.record(
    Object.fromEntries(parameters.map(({ name, schema }) => [name, fc.oneof(valueOf(schema), oddText)])),
  )
  const body = requestBody ? valueOf(requestBody.content['application/json'].schema) : fc.constant(undefined)
  const raw = fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, oddText)
  return fc.tuple(values, body, raw).map(([given, sent, text]) => {
    const of = (place: string) => parameters.filter((one) => one.in === place)
    const filled = of('path').reduce((all, { name }) => all.replace(`{${name}}`, inPath(given[name])), path)
    const query = of('query').map(({ name }) => `${name}=${inPath(given[name])}`)
    const headers = of('header').flatMap(({ name }) => {
      const value = String(given[name])
      return /^[\x20-\x7e]*$/.test(value) ? [[name, value]] : []
    })
    const payload = text ?? (sent === undefined ? undefined : JSON.stringify(sent))
    return {
      method,
      url: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
      headers: Object.fromEntries(headers) as Record<string, string>,
      ...(payload === undefined ? {} : { payload: payload.toWellFormed() }),
    }
  })
}

/** A stream has no end. */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(() => path !== '/v1/events' && path !== '/readyz' && path !== '/metrics')
    .map(
      ([method, operation]) =>
        [`${method.toUpperCase()} ${path}`, requestOf(path, method.toUpperCase(), operation)] as const,
    ),
)

/** Codes by which the upstream refused what it was sent, and a webhook endpoint its test. */
const OF_OTHERS = ['upstream_rejected', 'webhook_failed']

it.each(operations)('%s answers whatever it is sent without a fault of its own', async (name, requests) => {
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, url, payload, headers }) => {
      const call = { headers, ...(payload === undefined ? {} : { payload }) }
      for (const key of [keys.operator, keys.issuer, keys.connection]) {
        const { status, body } = await on.call(method, url, { key, ...call })
        expect([name, status < 500 || OF_OTHERS.includes(String(body['code'])), body]).toEqual([name, true, body])
      }
      const refused = await on.call(method, url, { key: 'test-secret-none', ...call })
      expect([400, 401, 403, 404, 405]).toContain(refused.status)
      expect(refused.text).not.toContain('"data"')
    }),
    { numRuns: 6 },
  )
})
