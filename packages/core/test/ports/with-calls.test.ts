import { expect, it } from 'vitest'
import { withCalls } from '../../src/ports/with-calls.ts'

class Counter {
  readonly #step: number
  total = 0
  readonly parts = { name: 'kept' }

  constructor(step: number) {
    this.#step = step
  }

  get step(): number {
    return this.#step
  }

  add(times: number): number {
    return (this.total += times * this.#step)
  }

  reset(): void {
    this.total = 0
  }
}

class NamedCounter extends Counter {
  name = (): string => `counts by ${this.step}`
}

it('keeps the methods of an instance of a class, inherited ones too, and replaces those that are given', () => {
  const base = new NamedCounter(2)
  const calls: string[] = []
  const counter = withCalls(base, { reset: () => void calls.push('reset') })
  expect(counter.add(3)).toBe(6)
  counter.reset()
  expect([base.total, calls]).toEqual([6, ['reset']])
  expect([counter.name(), counter.step, counter.parts]).toEqual(['counts by 2', 2, base.parts])
})

it('gives a plain object, all of whose members are its own', () => {
  const copy = Object.assign({}, withCalls(new Counter(1), {}))
  expect(copy.add(2)).toBe(2)
  expect(Object.keys(copy).sort()).toEqual(['add', 'parts', 'reset', 'step', 'total'])
})
