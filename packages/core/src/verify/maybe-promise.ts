/** A value, or the promise of one. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Continues synchronously with a value, and later with a promised one: a promise costs as much as a small
 * signature check.
 */
export const andThen = <T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> =>
  value instanceof Promise ? value.then(next) : next(value)
