/** A line of a page, numbered from 1. */
export interface Line {
  readonly at: number
  readonly text: string
  /** `table`: also what a program writes between `<!-- name -->` and `<!-- /name -->`. */
  readonly kind: 'code' | 'fence' | 'heading' | 'table' | 'prose' | 'blank'
}

/** A block of code between fences. */
export interface Fence {
  /** The word after the back-ticks; empty where there is none. */
  readonly language: string
  /** The line of the opening fence. */
  readonly at: number
  readonly code: string
}

/** Where text that a program writes begins, and where it ends. */
const REGION = /^<!-- (\/?)(\w+) -->$/
const FENCE = /^ {0,3}(```+)\s*(\S*)/

/** The lines of a page of Markdown, each with what it is. */
export function linesOf(page: string): readonly Line[] {
  let open = ''
  let isGenerated = false
  return page.split('\n').map((text, index) => {
    const at = index + 1
    const [, marks = '', language = ''] = FENCE.exec(text) ?? []
    if (open === '' && marks !== '') {
      open = marks
      return { at, text, kind: 'fence' }
    }
    if (open !== '') {
      const closes = marks.startsWith(open) && language === ''
      if (closes) open = ''
      return { at, text, kind: closes ? 'fence' : 'code' }
    }
    const [, end, region] = REGION.exec(text) ?? []
    if (region !== undefined) isGenerated = end === ''
    if (text.trim() === '') return { at, text, kind: 'blank' }
    if (/^#{1,6} /.test(text)) return { at, text, kind: 'heading' }
    return { at, text, kind: isGenerated || text.trimStart().startsWith('|') ? 'table' : 'prose' }
  })
}

/** The blocks of code of a page, in their order. */
export function fencesOf(page: string): readonly Fence[] {
  const found: { language: string; at: number; lines: string[] }[] = []
  let isOpen = false
  for (const { at, text, kind } of linesOf(page)) {
    if (kind === 'code') found.at(-1)?.lines.push(`${text}\n`)
    if (kind !== 'fence') continue
    isOpen = !isOpen
    if (isOpen) found.push({ language: FENCE.exec(text)?.[2] ?? '', at, lines: [] })
  }
  return found.map(({ language, at, lines }) => ({ language, at, code: lines.join('') }))
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const counts = new Map<string, number>()
  const anchors = linesOf(page)
    .filter(({ kind }) => kind === 'heading')
    .map(({ text }) => {
      const plain = text.replace(/^#+ /, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      const slug = plain
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-')
      const count = counts.get(slug) ?? 0
      counts.set(slug, count + 1)
      return count === 0 ? slug : `${slug}-${count}`
    })
  return new Set(anchors)
}
