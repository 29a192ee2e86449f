import type { ZodError } from 'zod'

/** What is wrong with one option. */
export interface OptionFault {
  /** The names and indexes that lead to the value, as `['users', 0, 'email']`. Empty: the options as a whole. */
  readonly path: readonly (string | number)[]
  /** Why it is not valid, as a clause. */
  readonly message: string
  /** Whether the value is absent. */
  readonly isMissing: boolean
}

/** The error that `sandbox` rejects with if options are not valid. Its message names every one of them. */
export class InvalidOptions extends TypeError {
  /** What is wrong with each option. */
  readonly faults: readonly OptionFault[]

  constructor(faults: readonly OptionFault[]) {
    const texts = faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    super(`The sandbox's options are not valid: ${texts.join('; ')}`)
    this.faults = faults
  }
}

/** The faults that a schema found in `options`. `at`: where the checked value is in the options. Default: they. */
export const optionFaults = (error: ZodError, options: object, at: readonly string[] = []): readonly OptionFault[] =>
  error.issues.map((issue) => {
    const path = [...at, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
    return { path, message: issue.message, isMissing: valueAt(options, path) === undefined }
  })

const valueAt = (options: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), options)

const isObject = (value: unknown): value is Readonly<Record<string | number, unknown>> =>
  typeof value === 'object' && value !== null
