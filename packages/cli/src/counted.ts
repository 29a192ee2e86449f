/** A count and its noun: `1 guest`, `2 guests`. `plural`: default the noun and an `s`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`
