/** The same object, but every call of a function in it, however deep, goes through `through`. */
export const everyCall = <T extends object>(target: T, through: (call: () => unknown) => unknown): T =>
  new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name)
      if (typeof value === 'object' && value !== null) return everyCall(value, through)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => through(() => Reflect.apply(value, of, args) as unknown)
    },
  })
