import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { withTimeLimit } from '../../src/policy/time-limit.ts'
import { fakeClock } from '../../src/testing/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

it('leaves no listener on a signal that many share and that outlives them, whatever is collected meanwhile', async () => {
  const { signal } = new AbortController()
  const clock = fakeClock()
  const answers: (() => void)[] = []
  const boxed = Array.from({ length: 50 }, () =>
    withTimeLimit(
      () => new Promise<void>((resolve) => answers.push(resolve)),
      { signal },
      1_000,
      () => new Error(),
      clock,
    ),
  )
  expect(getEventListeners(signal, 'abort')).toHaveLength(50)
  // Twice and a turn apart: weak references are let go only then.
  collect()
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  for (const answer of answers) answer()
  await Promise.all(boxed)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(clock.sleeping).toBe(0)
})
