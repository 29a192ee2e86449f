import type { Fault, Sandbox } from '@guestpass/sandbox'
import type { SeededRandom } from './random.ts'

type Effect = Fault['do']

/** How many answers are scripted ahead of the requests. */
const AHEAD = 400

/**
 * Mostly quick answers, sometimes slow ones; now and then a lost answer, an overload or an HTML page of a
 * proxy.
 */
const randomEffect = (on: string, random: SeededRandom): Effect =>
  random.weighted<() => Effect>([
    [70, () => ({ delayMs: random.whole(0, 25) })],
    [18, () => ({ delayMs: random.whole(30, 400) })],
    [4, () => ({ drop: 'after' })],
    [2, () => ({ drop: 'before' })],
    [2, () => ({ status: 503 })],
    [2, () => (on === 'refresh' ? { status: 409 } : { status: 429, headers: { 'retry-after': '1' } })],
    [1, () => ({ status: 500 })],
    [1, () => ({ garble: random.pick(['html', 'truncated', 'empty']) })],
  ])()

/**
 * Returns a function that scripts the answers to refreshes and creates. It takes how many requests took
 * effect so far.
 */
export function faultScript(upstream: Sandbox, random: SeededRandom): (requests: number) => void {
  let scripted = 0
  return (requests) => {
    const missing = requests + AHEAD - scripted
    if (missing <= 0) return
    for (const on of ['refresh', 'create']) {
      upstream.script(Array.from({ length: missing }, () => ({ on, do: randomEffect(on, random) })))
    }
    scripted += missing
  }
}
