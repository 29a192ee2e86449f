import { describe, expect, it } from 'vitest'
import { renderedLine } from '../../src/commands/runner/styled-line.ts'
import { type Column, tableLines } from '../../src/lists/table.ts'

interface Row {
  readonly id: string
  readonly status: string
  readonly count: number
  readonly note?: string
}

const columns: readonly Column<Row>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'note', cell: ({ note = '' }) => note },
  { title: 'count', align: 'right', cell: ({ count }) => String(count) },
  { title: 'status', cell: ({ status }) => ({ text: status, style: 'good' }) },
]
const printed = (rows: readonly Row[], isColoured = false): readonly string[] =>
  tableLines(columns, rows).map((line) => renderedLine(line, isColoured))

describe('a table', () => {
  it('has a header and aligned columns, without columns that are empty', () => {
    const rows = [
      { id: 'a', status: 'active', count: 1 },
      { id: 'long-id', status: 'in_doubt', count: 12_345 },
    ]
    expect(printed(rows)).toEqual(['ID       COUNT  STATUS', 'a            1  active', 'long-id  12345  in_doubt'])
    expect(printed([{ id: 'a', status: '', count: 1, note: 'x' }])).toEqual(['ID  NOTE  COUNT', 'a   x         1'])
  })

  it('aligns by the width on a terminal, also of escaped characters', () => {
    const rows = [
      { id: '客人', status: 'x', count: 1 },
      { id: 'a\u001b[2J', status: 'x', count: 1 },
    ]
    expect(printed(rows)).toEqual(['ID          COUNT  STATUS', '客人            1  x', 'a\\u001b[2J      1  x'])
  })

  it('colours its own cells, and nothing that a text brings along', () => {
    const [header, row] = printed([{ id: '\u001b[31mred', status: 'active', count: 1 }], true)
    expect(header).toContain('\u001b[1mID\u001b[22m')
    expect(row).toContain('\u001b[32mactive\u001b[39m')
    expect(row).toContain('\\u001b[31mred')
  })
})
