import { styleText } from 'node:util'
import { escapeForTerminal } from '@guestpass/runtime'
import type { HostProcess, OutputStream } from './host-process.ts'

/** What a text is, which decides its colour. */
export type Style = 'heading' | 'good' | 'warning' | 'bad' | 'secondary'

/** A text with a style. */
export interface StyledText {
  readonly text: string
  readonly style: Style
}

/** A line of output: a text, or parts of which some have a style. */
export type Line = string | readonly (string | StyledText)[]

const formats = {
  heading: 'bold',
  good: 'green',
  warning: 'yellow',
  bad: 'red',
  secondary: 'dim',
} as const satisfies Readonly<Record<Style, string>>

/**
 * The text to write for a line. Characters that a terminal would act on are escaped, so that only styles reach
 * it.
 */
export const renderedLine = (line: Line, isColoured: boolean): string =>
  (typeof line === 'string' ? [line] : line).map((part) => renderedPart(part, isColoured)).join('')

function renderedPart(part: string | StyledText, isColoured: boolean): string {
  if (typeof part === 'string') return escapeForTerminal(part)
  const text = escapeForTerminal(part.text)
  return isColoured && text !== '' ? styleText(formats[part.style], text, { validateStream: false }) : text
}

/** Whether output may be coloured: on a terminal, unless NO_COLOR is set (no-color.org) or --no-color is given. */
export const isColoured = ({ env, argv }: HostProcess, { isTTY }: OutputStream): boolean =>
  isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb' && !argv.includes('--no-color')
