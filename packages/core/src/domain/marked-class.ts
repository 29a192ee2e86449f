/** A class, or one that extends it. */
interface Made {
  readonly prototype: object
}

/**
 * Marks a class. A program can hold several copies of this package, as when a dependency wants another
 * version. Each has classes of its own; a mark that all copies share lets one take the instances of another
 * for its own.
 */
export function markClass({ prototype }: Made, mark: string): void {
  Object.defineProperty(prototype, Symbol.for(mark), { value: true })
}

/**
 * What `instanceof` says of a marked class: whether the value is of it, in any copy. Classes that extend it
 * are found as ever.
 */
export function isInstanceOfAnyCopy(made: Made, mark: string, value: unknown): boolean {
  if (!Object.hasOwn(made.prototype, Symbol.for(mark))) return Function.prototype[Symbol.hasInstance].call(made, value)
  return typeof value === 'object' && value !== null && Symbol.for(mark) in value
}
