import type * as z from 'zod/mini'

/** One field of a request for a guest: its schema, and its texts for help and documentation. */
export interface RequestField<Schema extends z.ZodMiniType = z.ZodMiniType> {
  readonly schema: Schema
  /** What it is: a phrase without a full stop, for help and documentation. */
  readonly about: string
  /** What to do if it is missing or wrong: a sentence. */
  readonly remedy: string
  /**
   * How it is written as text, as on a command line. `pairs`: each as NAME=VALUE. `flag`: it is given, or
   * not.
   */
  readonly written: 'text' | 'list' | 'pairs' | 'flag'
  /** The word for the value in help, as `address` in `--email <address>`. A flag has none. */
  readonly placeholder?: string
  /** Of a `flag`: the value of the field if the flag is given. Default true. */
  readonly means?: string
  /**
   * Where an import takes it from. `row`: a column. `all`: an option for all rows. `row-or-all`: a column, or
   * an option for rows without a value. `never`: it is not taken. Default `row`.
   */
  readonly inImport?: 'row' | 'row-or-all' | 'all' | 'never'
}

/** The fields of a request by their names. */
export type RequestFields = Readonly<Record<string, RequestField>>

/** The zod schema of each field, by name. */
export type FieldSchemas<Fields extends RequestFields> = { [Name in keyof Fields]: Fields[Name]['schema'] }

/** The input type of some fields: a request as programs write it, without `api`. */
export type InputOf<Fields extends RequestFields> = Readonly<z.input<z.ZodMiniObject<FieldSchemas<Fields>>>>

/** A request that was checked, without `api`. */
export type OutputOf<Fields extends RequestFields> = Readonly<z.output<z.ZodMiniObject<FieldSchemas<Fields>>>>

/** The schemas of the fields. */
export const shapeOf = <Fields extends RequestFields>(fields: Fields): FieldSchemas<Fields> =>
  Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])) as FieldSchemas<Fields>

/** What to do about each field. */
export const remediesOf = (fields: RequestFields): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).map(([name, { remedy }]) => [name, remedy]))
