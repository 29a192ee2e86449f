import { escapeForTerminal } from '@guestpass/runtime'
import stringWidth from 'string-width'
import type { Line, StyledText } from '../commands/runner/styled-line.ts'

/** A column of a table. A column whose cells are all empty is left out. */
export interface Column<Row> {
  /** Its heading, printed in capitals. */
  readonly title: string
  readonly cell: (row: Row) => string | StyledText
  /** Numbers are aligned right. Default: left. */
  readonly align?: 'right'
}

const GAP = '  '

/** The lines of a table: a header, then a line for each row, with aligned columns. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly Line[] {
  const filled = columns
    .map(({ title, cell, align }) => ({ align, title: title.toUpperCase(), cells: rows.map((row) => cell(row)) }))
    .filter(({ cells }) => cells.some((cell) => textOf(cell) !== ''))
    .map((column) => ({
      ...column,
      width: Math.max(...[column.title, ...column.cells].map((cell) => widthOf(cell))),
    }))
  const line = (cellOf: (column: (typeof filled)[number]) => string | StyledText): Line =>
    filled.flatMap((column, at) => {
      const cell = cellOf(column)
      const space = ' '.repeat(column.width - widthOf(cell))
      const isLast = at === filled.length - 1
      if (column.align === 'right') return [space, cell, isLast ? '' : GAP]
      return [cell, isLast ? '' : `${space}${GAP}`]
    })
  return [
    line(({ title }) => ({ text: title, style: 'heading' })),
    ...rows.map((_, at) => line(({ cells }) => cells[at] ?? '')),
  ]
}

const textOf = (cell: string | StyledText): string => (typeof cell === 'string' ? cell : cell.text)

/** In columns of a terminal, as it is printed. */
const widthOf = (cell: string | StyledText): number => stringWidth(escapeForTerminal(textOf(cell)))
