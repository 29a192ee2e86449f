import fc from 'fast-check'

/** A JSON Schema of the OpenAPI document. */
export type Schema = Readonly<Record<string, unknown>>

/** Text that trips parsers of paths, numbers and encodings. */
export const oddText = fc.oneof(
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
    '0x10',
    '9007199254740993',
    '\u0000',
    '\ud800',
    '\u202e\u2066',
    '__proto__',
    'constructor',
    "' or 1=1 --",
    'x'.repeat(3_000),
  ),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
)

interface KnownSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
}

/** Texts that some members take. */
const useful = fc.constantFrom('a@mail.test', 'webmessaging:guest:send', '1h', 'https://x.test', 'default', 'idp')

/** Values that fit a schema, as far as they matter, and values that do not. `schemas`: those that it refers to. */
export function valueOf(schema: Schema, schemas: Readonly<Record<string, Schema>>, depth = 0): fc.Arbitrary<unknown> {
  const { $ref, type, properties, items, oneOf, anyOf, enum: listed = [] } = schema as KnownSchema
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), oddText, fc.constant({ ['__proto__']: 1 }))
  if (depth > 4) return odd
  const below = (one: Schema): fc.Arbitrary<unknown> => valueOf(one, schemas, depth + 1)
  const mostly = (arbitrary: fc.Arbitrary<unknown>) => fc.oneof({ weight: 6, arbitrary }, odd)
  if ($ref) return below(schemas[$ref.split('/').at(-1) ?? ''] ?? {})
  const choices = oneOf ?? anyOf
  if (choices) return fc.oneof(...choices.map(below))
  const known = [schema['const'], ...listed].filter((one) => one !== undefined)
  if (known.length > 0) return mostly(fc.constantFrom(...known))
  if (properties) {
    const members = Object.entries(properties).map(([name, of]) => [name, below(of)] as const)
    return mostly(fc.record(Object.fromEntries(members), { requiredKeys: [] }))
  }
  if (type === 'array') return mostly(fc.array(below(items ?? {}), { maxLength: 4 }))
  if (type === 'integer' || type === 'number') return fc.oneof(fc.integer(), fc.double(), odd)
  if (type === 'boolean') return fc.oneof(fc.boolean(), odd)
  return fc.oneof(oddText, useful, odd)
}
