import type { Store } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { type Cause, type Happened, type PlacedRecord, why, type WhyQuestion } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import { type Config, type NamedSetting, programNames, namedExplanation } from '@guestpass/runtime'
import { checkArgument, type Parameter } from './arguments.ts'
import type { CallContext, Calls } from './calls.ts'
import type { ErrorTranslator } from './errors.ts'

/** A guest that never got a token, by the `subject` of its records. Listeners of `gp.on` get records. */
export interface RecordSubject {
  readonly subject: string
}

/** Until when `guests.why` explains. */
export interface WhyOptions {
  /** A Date, or milliseconds since the epoch. Default: now. */
  readonly at?: Instant | Date | undefined
}

/** What happened to a guest last, and why, as `guests.why` explains it. */
export interface GuestExplanation {
  /** Absent if only the subject of its records is known. */
  readonly guestId?: string
  /** The API of the guest. Absent if neither the guest nor its records name it. */
  readonly api?: string
  /** The random id of the guest in its records. */
  readonly subject: string
  /** The time that is asked about, in milliseconds since the epoch. */
  readonly at: Instant
  readonly happened: Happened
  readonly cause: Cause
  /** What happened, with its time, as sentences. */
  readonly what: string
  /** The cause, as a sentence. */
  readonly why: string
  /** The rule that applied, as a sentence. */
  readonly rule: string
  /** The setting that decides, if one does. */
  readonly setting?: NamedSetting
  /** What would have prevented it, as a sentence. */
  readonly prevention: string
  /** The records of the audit log that the explanation rests on, the oldest first. */
  readonly records: readonly PlacedRecord[]
}

/** Explains what happened to a guest. */
export type ExplainGuest = (
  whose: string | RecordSubject,
  options?: WhyOptions,
  context?: CallContext,
) => Promise<GuestExplanation>

interface ExplainParts {
  readonly config: Config
  readonly store: Store
  readonly calls: Calls
  readonly translate: Pick<ErrorTranslator, 'nameOf'>
}

export function createExplainGuest({ config, store, calls, translate }: ExplainParts): ExplainGuest {
  const names = programNames(translate.nameOf)
  return (whose, options, context) =>
    calls.run(context, async ({ api }) => {
      const question: WhyQuestion = { ...subjectOf(whose), api, at: timeOf(options) }
      const explanation = namedExplanation(await why(config.connection, question, store), config, names)
      // Programs get whole milliseconds.
      const records = explanation.records.map((one) => ({ ...one, at: Math.floor(one.at) }))
      return { ...explanation, at: Math.floor(explanation.at), records }
    })
}

const NOT_EXPLAINED = 'Nothing was explained'
const { nonEmptyText, object, required, schema } = schemas

const SUBJECT: Parameter = {
  what: NOT_EXPLAINED,
  name: 'subject',
  kind: required(object<RecordSubject>({ subject: required(nonEmptyText) })),
}

const OPTIONS: Parameter = {
  what: NOT_EXPLAINED,
  name: 'options',
  kind: object<WhyOptions>({
    at: schema(
      'a moment',
      (value) => (value instanceof Date || typeof value === 'number') && !Number.isNaN(Number(value)),
      'Give a Date, or milliseconds since the epoch, as 1767225600000.',
    ),
  }),
}

/** The form of an id is checked where the guest is looked up, also that it is there. */
const subjectOf = (whose: string | RecordSubject | undefined): Pick<WhyQuestion, 'guestId' | 'subject'> =>
  typeof whose === 'string' || whose === undefined ? { guestId: whose ?? '' } : checkArgument(SUBJECT, whose)

function timeOf(options: WhyOptions | undefined): Instant | undefined {
  const { at } = checkArgument(OPTIONS, options)
  return at === undefined ? undefined : Number(at)
}
