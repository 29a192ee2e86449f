/**
 * Suggests the closest known name, for "Did you mean …?"; undefined if none is close. Case does not matter. The
 * name may differ in at most a third of its letters, in at most half of those that were written, and in at most half
 * of those after the common prefix, because a shared prefix alone does not make two names alike.
 */
export function closestName(written: string, known: readonly string[]): string | undefined {
  const word = written.toLowerCase()
  const [best] = known
    // A much longer text means none of them, and a comparison would take long.
    .filter((name) => written.length <= 2 * name.length)
    .map((name) => ({
      name,
      edits: edits(word, name.toLowerCase()),
      rest: name.length - common(word, name.toLowerCase()),
    }))
    .sort((one, other) => one.edits - other.edits)
  if (!best || best.edits > Math.min(Math.ceil(best.name.length / 3), word.length / 2)) return undefined
  return best.edits <= Math.max(1, Math.ceil(best.rest / 2)) ? best.name : undefined
}

/** The length of the common prefix of two words. */
const common = (one: string, other: string): number => {
  const at = Array.from(one).findIndex((letter, index) => letter !== other[index])
  return at < 0 ? one.length : at
}

/** Levenshtein distance: letters to insert, remove or replace until one word is the other. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [line, letter] of Array.from(from).entries()) {
    const next = [line + 1]
    for (let at = 1; at <= to.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (to[at - 1] === letter ? 0 : 1)
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
