import { isInstanceOfAnyCopy, markClass } from './marked-class.ts'
import { checkOptions, schema, required } from './options.ts'

const secretText = required(
  schema(
    'a text',
    (value) => typeof value === 'string',
    'Give the text; a variable of the environment that is not set is undefined.',
  ),
)

const MARK = 'guestpass.secret'

/**
 * A text that logs and JSON do not show: they contain a placeholder. Only `reveal()` gives the text: call it
 * where the text is sent or handed out. Secrets of another copy of this package in the process are instances
 * too.
 */
export class Secret {
  static {
    markClass(this, MARK)
  }
  /** Secrets of any copy of this package are instances. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstanceOfAnyCopy(this, MARK, value)
  }

  readonly #value: string

  /** Throws `config_invalid` if the value is not a text. */
  constructor(value: string) {
    if (typeof value !== 'string') checkOptions('new Secret', ['value', value, secretText])
    this.#value = value
  }

  /** The value in clear. */
  reveal(): string {
    return this.#value
  }

  /**
   * What people may see: `gp_…` and the last four characters, or `gp_…` alone when the value is shorter than
   * twelve.
   */
  mask(): string {
    return this.#value.length < 12 ? 'gp_…' : `gp_…${this.#value.slice(-4)}`
  }

  /** `[secret]`, never the value. */
  toString(): string {
    return '[secret]'
  }

  /** `[secret]`, never the value. */
  toJSON(): string {
    return '[secret]'
  }

  /** `[secret]`, never the value. */
  [Symbol.toPrimitive](): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}
