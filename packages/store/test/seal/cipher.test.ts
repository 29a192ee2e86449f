import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyIdOf, type NamedKey, NONCE_BYTES, open, type SealContext, seal } from '../../src/seal/cipher.ts'
import { random } from '../helpers/open-store.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const context: fc.Arbitrary<SealContext> = fc.record({
  connection: text,
  table: text,
  column: text,
  row: text,
  generation: fc.nat(),
})
const named: fc.Arbitrary<NamedKey> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 20 }),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
})
const plain = fc.string({ unit: 'grapheme', maxLength: 200 })
const sealed = (key: NamedKey, at: SealContext, value: string): Buffer =>
  seal(key, random.bytes(NONCE_BYTES), at, value)

describe('a sealed value', () => {
  it('opens in its context, and names its key', () => {
    fc.assert(
      fc.property(named, context, plain, (key, at, value) => {
        const bytes = sealed(key, at, value)
        expect([open(key, at, bytes), keyIdOf(bytes)]).toEqual([value, key.id])
      }),
    )
  })

  it('does not open in any other context', () => {
    fc.assert(
      fc.property(
        named,
        context,
        context,
        plain,
        fc.constantFrom(...(['connection', 'table', 'column', 'row'] as const)),
        (key, at, other, value, part) => {
          const bytes = sealed(key, at, value)
          fc.pre(other[part] !== at[part] && other.generation !== at.generation)
          expect(open(key, { ...at, [part]: other[part] }, bytes)).toBeUndefined()
          expect(open(key, { ...at, generation: other.generation }, bytes)).toBeUndefined()
        },
      ),
    )
  })

  it('does not open in a context whose parts join to the same text', () => {
    fc.assert(
      fc.property(named, context, plain, (key, at, value) => {
        fc.pre(at.row !== '')
        const shifted = { ...at, column: at.column + at.row, row: '' }
        expect(open(key, shifted, sealed(key, at, value))).toBeUndefined()
      }),
    )
  })

  it('does not open with another key, or with the same key under another id', () => {
    fc.assert(
      fc.property(named, named, context, plain, (key, other, at, value) => {
        fc.pre(key.id !== other.id)
        const bytes = sealed(key, at, value)
        expect(open({ id: key.id, key: other.key }, at, bytes)).toBeUndefined()
        expect(open({ id: other.id, key: key.key }, at, bytes)).toBeUndefined()
        const renamed = Buffer.concat([
          Buffer.of(1, Buffer.byteLength(other.id)),
          Buffer.from(other.id),
          bytes.subarray(2 + Buffer.byteLength(key.id)),
        ])
        expect(open({ id: other.id, key: key.key }, at, renamed)).toBeUndefined()
      }),
    )
  })

  it('does not open when any byte of it was changed, cut off or added', () => {
    fc.assert(
      fc.property(named, context, plain, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, at, value, where, by) => {
        const bytes = sealed(key, at, value)
        const changed = Buffer.from(bytes)
        const index = where % bytes.length
        changed[index] = (changed[index] ?? 0) ^ by
        expect(open(key, at, changed)).toBeUndefined()
        expect(open(key, at, bytes.subarray(0, index))).toBeUndefined()
        expect(open(key, at, Buffer.concat([bytes, Buffer.of(by)]))).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  it('differs each time, and does not show the plain text', () => {
    const key = { id: 'k', key: random.bytes(32) }
    const at = { connection: 'c', table: 't', column: 'c', row: 'r', generation: 1 }
    const [one, two] = [sealed(key, at, 'a secret canary'), sealed(key, at, 'a secret canary')]
    expect(one.equals(two)).toBe(false)
    expect(one.includes('canary')).toBe(false)
  })
})
