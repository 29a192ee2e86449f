/** Random values that repeat: the same seed gives the same sequence. */
export interface SeededRandom {
  /** At least `from`, less than `to`. */
  between(from: number, to: number): number
  /** A whole number, both ends included. */
  whole(from: number, to: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  /** One of the values, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T
  /** A sequence of its own for a name: it does not depend on how many values others have taken. */
  fork(name: string): SeededRandom
}

export function seededRandom(seed: string | number): SeededRandom {
  let state = hash(String(seed))
  const float = (): number => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
  const between = (from: number, to: number): number => from + float() * (to - from)
  const whole = (from: number, to: number): number => Math.floor(between(from, to + 1))
  return {
    between,
    whole,
    pick: (from) => from[whole(0, from.length - 1)] ?? from[0],
    weighted<T>(choices: readonly (readonly [number, T])[]): T {
      let left = float() * choices.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, value] of choices) {
        left -= weight
        if (left < 0) return value
      }
      throw new RangeError('weighted() got no choice with a weight above 0.')
    },
    fork: (name) => seededRandom(`${seed}/${name}`),
  }
}

/** FNV-1a. */
const hash = (text: string): number =>
  Buffer.from(text).reduce((sum, byte) => Math.imul(sum ^ byte, 16777619), 2166136261)
