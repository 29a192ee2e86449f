/** The known name that differs from a mistyped one in the fewest letters, if they are few: a third of it at most. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => ({ name, edits: edits(written.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits)
  return best && best.edits <= Math.ceil(best.name.length / 3) ? best.name : undefined
}

/** Letters to insert, remove or replace until one word is the other (Levenshtein). */
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
