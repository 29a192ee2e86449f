import type { Field } from '@guestpass/core'

/** One row of a file, or what is wrong with it. */
export interface Row {
  /** The line on which it begins, from 1. */
  readonly line: number
  /** Fields by name, as text or as JSON has them. */
  readonly values: Readonly<Record<string, unknown>>
  /** Absent when it could be read. */
  readonly fault?: Field
  /** The text in the file, if it could not be read. */
  readonly text?: string
}

/** The longest row that is read, in characters. */
export const LONGEST_ROW = 65_536

/** Names beginning so are notes, as of an earlier import, and not read. */
export const isNoteColumn = (name: string): boolean => name.startsWith('_')

/** What is wrong with a row whose text is not in the encoding of the file. */
export const encodingFault = (message: string): Field => ({
  field: 'row',
  message,
  remedy: 'Write it in UTF-8; in Excel, save the file as "CSV UTF-8".',
})
