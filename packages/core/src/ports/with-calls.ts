/**
 * Gives an object that answers some calls itself and passes all others on. A spread would lose the methods of an
 * instance of a class.
 *
 * @param base gets every other call, as itself; its members that are no functions are copied
 * @param calls the functions that take the place of those of `base`
 * @returns a plain object with every member of both, also inherited ones
 */
export function withCalls<S extends object>(base: S, calls: Partial<S>): S {
  const names = new Set<string>()
  for (
    let from: object = base;
    from !== Object.prototype && from !== null;
    from = Object.getPrototypeOf(from) as object
  )
    for (const name of Object.getOwnPropertyNames(from)) if (name !== 'constructor') names.add(name)
  const members = [...names].map((name) => {
    const member: unknown = Reflect.get(base, name)
    return [name, typeof member === 'function' ? (member.bind(base) as unknown) : member] as const
  })
  // Safe: it has every member of `base`, and `calls` has members of the same types.
  return { ...Object.fromEntries(members), ...calls } as S
}
