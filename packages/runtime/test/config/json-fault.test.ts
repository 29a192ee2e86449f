import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonFault } from '../../src/config/json-fault.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where a text ceases to be JSON', () => {
  it.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{"a": 1,}', 1, 9],
    ['{"a" 1}', 1, 6],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ['{\n  // note\n}', 2, 3],
    ["{'a': 1}", 1, 2],
    ['[1, 2', 1, 6],
    ['[1 2]', 1, 4],
    ['[}', 1, 2],
    ['{} x', 1, 4],
    ['{"a": "b\nc"}', 1, 7],
    ['{"a": tru}', 1, 7],
    ['[01]', 1, 3],
  ])('%j: line %i, column %i', (text, line, column) => {
    expect(jsonFault(text)).toEqual({ line, column })
  })

  it('is nowhere in any JSON', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(0, 2, '\t'),
        (value, indent) => jsonFault(JSON.stringify(value, null, indent)) === undefined,
      ),
      { numRuns: 500 },
    )
  })

  it('is somewhere exactly when the platform refuses the text too', () => {
    const damaged = fc
      .tuple(fc.jsonValue(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', ':', ' ', '\\', '1', 'a', '\n'))
      .map(([value, at, put]) => {
        const text = JSON.stringify(value)
        const cut = at % (text.length + 1)
        return text.slice(0, cut) + put + text.slice(cut + (at % 2))
      })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string()), (text) => (jsonFault(text) === undefined) === isJson(text)),
      { numRuns: 2000 },
    )
  })
})
