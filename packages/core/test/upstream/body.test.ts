import { describe, expect, it } from 'vitest'
import { anything, BodyFault, lenient, object, openObject, type Reader, text } from '../../src/upstream/body.ts'

const fault = (reader: Reader<unknown>, value: unknown): unknown => {
  try {
    return reader(value)
  } catch (thrown) {
    if (thrown instanceof BodyFault) return [thrown.path.join('.'), thrown.message]
    throw thrown
  }
}

describe('a body', () => {
  const reader = object({ id: text({ most: 3 }), side: lenient(text()), all: anything, in: object({ life: text() }) })
  const whole = { id: 'a', side: 'b', all: 7, in: { life: 'c' } }

  it('is read by its members; others are left out', () => {
    expect(reader({ ...whole, more: 1, in: { life: 'c', more: 1 } })).toEqual(whole)
  })

  it('loses a side member that cannot be used, and nothing else', () => {
    expect(reader({ ...whole, side: 7 })).toEqual({ ...whole, side: undefined })
    expect(lenient(reader)([])).toBeUndefined()
  })

  it.each([
    [undefined, '', 'not an object'],
    [null, '', 'not an object'],
    [[], '', 'not an object'],
    ['text', '', 'not an object'],
    [{ ...whole, id: undefined }, 'id', 'missing'],
    [{ ...whole, id: '' }, 'id', 'not a text that can be used'],
    [{ ...whole, id: 'four' }, 'id', 'not a text that can be used'],
    [{ ...whole, id: 7 }, 'id', 'not a text that can be used'],
    [{ ...whole, in: 7 }, 'in', 'not an object'],
    [{ ...whole, in: { life: null } }, 'in.life', 'not a text that can be used'],
  ])('that is %j is refused where it is wrong', (value, path, message) => {
    expect(fault(reader, value)).toEqual([path, message])
  })

  it('keeps its other members where they are wanted, but none that would be its prototype', () => {
    const open = openObject({ id: text() })
    const body = open(JSON.parse('{"id":"a","more":{"b":1},"__proto__":{"polluted":1}}'))
    expect([Object.keys(body).toSorted(), 'polluted' in body]).toEqual([['id', 'more'], false])
  })

  it('hides no other error', () => {
    const broken = (): never => {
      throw new TypeError('broken')
    }
    expect(() => lenient(broken)(1)).toThrow(TypeError)
    expect(() => object({ broken })({})).toThrow(TypeError)
  })
})
