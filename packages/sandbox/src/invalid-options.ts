import type { ZodError } from 'zod'

/** What is wrong with one option. */
export interface OptionFault {
  /** The names and indexes that lead to the value, as `['users', 0, 'email']`. Empty: the options as a whole. */
  readonly path: readonly (string | number)[]
  /** Why it is not valid, as a clause. */
  readonly message: string
  /** Whether the value is absent. */
  readonly isMissing: boolean
  /** Of an option of the sandbox that does not exist: the names of those that do. */
  readonly known?: readonly string[]
}

/** The error that `sandbox` rejects with if options are not valid. Its message names every one of them. */
export class InvalidOptions extends TypeError {
  /** What is wrong with each option. */
  readonly faults: readonly OptionFault[]

  constructor(faults: readonly OptionFault[]) {
    super(`The sandbox's options are not valid: ${faultTexts(faults)}`)
    this.faults = faults
  }
}

/** Faults as clauses of one sentence, each with the path of its value. */
export const faultTexts = (
  faults: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string =>
  faults.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ')

/**
 * The faults that a schema found in `options`.
 *
 * @param at where the checked value is in the options. Default: they.
 * @param known the names of the options
 */
export const optionFaults = (
  error: ZodError,
  options: object,
  at: readonly string[] = [],
  known: readonly string[] = [],
): readonly OptionFault[] =>
  error.issues.flatMap((issue): readonly OptionFault[] => {
    const path = [...at, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
    if (issue.code === 'unrecognized_keys' && path.length === 0)
      return issue.keys.map((key) => ({ path: [key], message: 'is not an option', isMissing: false, known }))
    return [{ path, message: issue.message, isMissing: valueAt(options, path) === undefined }]
  })

const valueAt = (options: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), options)

const isObject = (value: unknown): value is Readonly<Record<string | number, unknown>> =>
  typeof value === 'object' && value !== null
