import * as schemas from '@guestpass/core/options'
import type { Instant } from '@guestpass/core/store-kit'
import { checkArgument, type Parameter } from './arguments.ts'

/** Which events a report covers. */
export interface ReportOptions {
  /** The first moment: a Date, or milliseconds since the epoch. Default: all stored events. */
  readonly since?: Instant | Date | undefined
}

const REPORT: Parameter = {
  what: 'The report was not made',
  name: 'options',
  kind: schemas.object<ReportOptions>({
    since: schemas.schema(
      'a moment',
      (value) => (value instanceof Date || typeof value === 'number') && !Number.isNaN(Number(value)),
      'Give a Date, or milliseconds since the epoch, as 1767225600000.',
    ),
  }),
}

/** The first moment of a report, in milliseconds since the epoch. Throws `invalid_input`. */
export function reportStart(wanted: ReportOptions | undefined): { readonly since?: Instant | undefined } {
  const { since } = checkArgument(REPORT, wanted)
  return { since: since instanceof Date ? since.getTime() : since }
}
