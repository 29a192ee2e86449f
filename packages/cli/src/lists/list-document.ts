import * as z from 'zod'
import { whole } from '@guestpass/runtime'
import type { ParameterHelp } from '../commands/runner/command.ts'
import type { Line } from '../commands/runner/styled-line.ts'

/** The options of a list that has pages. `items`: what it lists, in the plural. */
export const pageOptions = (items: string): readonly ParameterHelp[] => [
  ['--limit <n>', `${items} on a page, from 1 to 1000 (default: 100)`],
  ['--after <cursor>', 'the cursor that the previous page printed'],
]

/** The input of these options. */
export const pageInput = { limit: whole(1, 1_000).optional(), after: z.string().optional() }

/** The line after a page that is not the last. */
export const moreLines = (next: string | undefined): readonly Line[] =>
  next === undefined ? [] : [[{ text: `More follow. Repeat the command with --after ${next}`, style: 'secondary' }]]
