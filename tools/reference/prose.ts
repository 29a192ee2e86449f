import { linesOf } from './markdown.ts'

/** The most characters of a line of prose. */
const MOST = 110

/** A line that cannot be broken: a link alone, or one word. */
const isWhole = (text: string): boolean => !/\S\s+\S/.test(text.replace(/^\s*(?:[-*]|\d+\.)?\s*/, ''))

/** Lines of prose of a page that are too long. Tables, headings and code may be longer. */
export const proseFaults = (page: string, text: string): readonly string[] =>
  linesOf(text)
    .filter((line) => line.kind === 'prose' && line.text.length > MOST && !isWhole(line.text))
    .map(({ at, text: line }) => `${page}:${at}: ${line.length} characters, more than ${MOST}`)

const ITEM = /^(\s*)((?:[-*]|\d+\.)\s+)/

/** A page with its paragraphs and list items broken anew, where a line of them is too long. */
export function wrapped(text: string): string {
  const blocks: { lines: string[]; isProse: boolean }[] = []
  for (const { text: line, kind } of linesOf(text)) {
    const last = blocks.at(-1)
    const isProse = kind === 'prose' && !line.startsWith('<!--') && !/ {2}$|\\$/.test(line)
    if (isProse && last?.isProse && !ITEM.test(line)) last.lines.push(line)
    else blocks.push({ lines: [line], isProse })
  }
  return blocks
    .flatMap(({ lines, isProse }) => (isProse && lines.some((line) => line.length > MOST) ? broken(lines) : lines))
    .join('\n')
}

function broken(lines: readonly string[]): readonly string[] {
  const [first = ''] = lines
  const [, indent = /^\s*/.exec(first)?.[0] ?? '', mark = ''] = ITEM.exec(first) ?? []
  const rest = indent + ' '.repeat(mark.length)
  const words = lines
    .map((line, at) => (at === 0 ? line.slice(indent.length + mark.length) : line).trim())
    .join(' ')
    .split(/\s+/)
  const made: string[] = []
  let line = indent + mark
  let isEmpty = true
  for (const word of words) {
    if (!isEmpty && line.length + 1 + word.length > MOST) {
      made.push(line)
      line = rest
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...made, line]
}
