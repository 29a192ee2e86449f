/** Goes on at once with a value that is there, later with one that is promised: a promise costs as much as a small check. */
export const andThen = <T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> =>
  value instanceof Promise ? value.then(next) : next(value)
