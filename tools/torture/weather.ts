import type { Fault, Sandbox } from '@guestpass/sandbox'
import type { Luck } from './luck.ts'

type Effect = Fault['do']

const AHEAD = 400

/** Mostly fair: short work, sometimes long, and now and then a lost answer, an overload or a page of a proxy. */
const draw = (on: string, luck: Luck): Effect =>
  luck.weighted<() => Effect>([
    [70, () => ({ delayMs: luck.whole(0, 25) })],
    [18, () => ({ delayMs: luck.whole(30, 400) })],
    [4, () => ({ drop: 'after' })],
    [2, () => ({ drop: 'before' })],
    [2, () => ({ status: 503 })],
    [2, () => (on === 'refresh' ? { status: 409 } : { status: 429, headers: { 'retry-after': '1' } })],
    [1, () => ({ status: 500 })],
    [1, () => ({ garble: luck.pick(['html', 'truncated', 'empty']) })],
  ])()

/** Scripts what refreshes and creates meet, a few hundred ahead of those that came in. */
export function weather(upstream: Sandbox, luck: Luck): (refreshes: number) => void {
  let scripted = 0
  return (refreshes) => {
    const missing = refreshes + AHEAD - scripted
    if (missing <= 0) return
    for (const on of ['refresh', 'create']) {
      upstream.script(Array.from({ length: missing }, () => ({ on, do: draw(on, luck) })))
    }
    scripted += missing
  }
}
