import { afterEach } from 'vitest'
import { type Guestpass, guestpass, type GuestpassOptions } from '../../src/front-door/index.ts'

/** Opens connections for the tests of a file, each closed after its test. `usual`: options that a test does not give otherwise. */
export function programs(usual: () => GuestpassOptions): (options?: GuestpassOptions) => Promise<Guestpass> {
  const opened: Guestpass[] = []
  afterEach(() => Promise.all(opened.splice(0).map((gp) => gp.close())))
  return async (options = {}) => {
    const gp = await guestpass({ log: () => {}, ...usual(), ...options })
    opened.push(gp)
    return gp
  }
}
