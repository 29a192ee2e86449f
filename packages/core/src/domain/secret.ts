/**
 * A value that prints as a mask everywhere. Only `reveal()` shows it; it is called where the value leaves for the network
 * or for the one answer that carries it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value in clear. */
  reveal(): string {
    return this.#value
  }

  /** What people may see: `gp_…` and the last four characters, or `gp_…` alone when the value is shorter than twelve. */
  mask(): string {
    return this.#value.length < 12 ? 'gp_…' : `gp_…${this.#value.slice(-4)}`
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.toPrimitive](): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
