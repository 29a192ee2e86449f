import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'

/** A factory with arguments that are right, and mistakes: arguments, and the fields that the error must name. */
export interface Factory {
  readonly make: (...args: never[]) => unknown
  readonly args: readonly unknown[]
  readonly mistakes: readonly (readonly [args: readonly unknown[], fields: readonly string[]])[]
  /** Whether another text is right, too, as another path is. */
  readonly isRight?: (args: readonly unknown[]) => boolean
  /** Ends what was made. */
  readonly end?: (made: never) => unknown
}

/** What programs give by mistake. */
const oddities: readonly unknown[] = [
  undefined,
  null,
  '',
  'hunter2',
  0,
  -1,
  Number.NaN,
  1e300,
  true,
  [],
  [undefined],
  {},
  () => {},
  Promise.resolve({}),
]

/** Makes it, and answers the fields that were refused; undefined when it was made. Anything but `config_invalid` is thrown on. */
async function refused({ make, end }: Factory, args: readonly unknown[]): Promise<GuestpassError | undefined> {
  try {
    const made = await make(...(args as never[]))
    await end?.(made as never)
    return undefined
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.code === 'config_invalid') return thrown
    throw thrown
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The arguments, each replaced by each oddity, and so each of its members. */
function* odd(args: readonly unknown[]): Generator<readonly unknown[]> {
  for (const [at, arg] of args.entries()) {
    for (const oddity of oddities) {
      yield args.with(at, oddity)
      if (!isRecord(arg)) continue
      for (const [name, member] of Object.entries(arg)) {
        // A function that does something else is the business of its author.
        if (typeof oddity !== 'function' || typeof member !== 'function')
          yield args.with(at, { ...arg, [name]: oddity })
      }
    }
  }
}

function expectEveryFieldNamed({ fields = [], message }: GuestpassError): void {
  expect(fields.length).toBeGreaterThan(0)
  for (const one of fields) {
    expect(one.field).not.toBe('')
    expect(message).toContain(`${one.field} ${one.message}`)
    expect(one.remedy).not.toBe('')
  }
  expect(message).not.toContain('hunter2')
}

/** Tests that factories report every wrong option by `config_invalid`. */
export function describeFactories(factories: Readonly<Record<string, Factory>>): void {
  describe.each(Object.entries(factories))('%s', (_, factory) => {
    it('accepts valid arguments', async () => {
      expect(await refused(factory, factory.args)).toBeUndefined()
    })

    it('throws only config_invalid for any value of an argument or a member', async () => {
      for (const args of odd(factory.args)) {
        if (factory.isRight?.(args)) continue
        const error = await refused(factory, args)
        if (error) expectEveryFieldNamed(error)
      }
    })

    it.each(factory.mistakes)('rejects mistake %# with the name of every wrong field: %s', async (args, wrong) => {
      const error = await refused(factory, args)
      expect(error?.fields?.map(({ field }) => field)).toEqual(wrong)
      if (error) expectEveryFieldNamed(error)
    })
  })
}
