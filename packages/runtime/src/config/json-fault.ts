const token =
  /[ \t\r\n]*(?:("(?:[^"\\]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([{}[\],:]))/y

/** What may come next in a JSON text. */
type Wanted = 'value' | 'first-value' | 'name' | 'first-name' | 'colon' | 'more' | 'end'

/**
 * Finds the first place at which a text is not JSON, as line and column from 1; undefined if it is JSON. For
 * messages about files: those of `JSON.parse` quote the text, which may contain secrets.
 */
export function jsonFault(text: string): { readonly line: number; readonly column: number } | undefined {
  const open: string[] = []
  let wanted: Wanted = 'value'
  let at = 0
  const after = (): Wanted => (open.length > 0 ? 'more' : 'end')
  const step = (found: string): Wanted | undefined => {
    if (Array.from(found).some((letter) => letter < ' ')) return undefined
    const inside = open.at(-1)
    const closes = found === (inside === '{' ? '}' : ']') && inside !== undefined
    if (closes && (wanted === 'more' || wanted === 'first-name' || wanted === 'first-value')) {
      open.pop()
      return after()
    }
    if (wanted === 'more') return found === ',' ? (inside === '{' ? 'name' : 'value') : undefined
    if (wanted === 'colon') return found === ':' ? 'value' : undefined
    if (wanted === 'name' || wanted === 'first-name') return found.startsWith('"') ? 'colon' : undefined
    if (wanted === 'end' || /^[}\],:]$/.test(found)) return undefined
    if (found !== '{' && found !== '[') return after()
    open.push(found)
    return found === '{' ? 'first-name' : 'first-value'
  }
  while (true) {
    token.lastIndex = at
    const match = token.exec(text)
    const next = match ? step(match[0].trim()) : undefined
    if (!match || !next) break
    wanted = next
    at = token.lastIndex
  }
  const rest = /^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0
  if (wanted === 'end' && at + rest === text.length) return undefined
  const before = text.slice(0, at + rest).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
