/**
 * The same calls, each made after `loaded` resolves. If `loaded` rejects, the call rejects with the same
 * error.
 */
export const afterLoading = <T extends object>(loaded: () => Promise<void>, calls: T): T =>
  Object.fromEntries(
    Object.entries(calls).map(([name, call]: [string, unknown]) => [
      name,
      typeof call === 'function'
        ? async (...args: unknown[]): Promise<unknown> => {
            await loaded()
            return Reflect.apply(call, undefined, args) as unknown
          }
        : afterLoading(loaded, call as object),
    ]),
  ) as T
