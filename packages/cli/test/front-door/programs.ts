import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Guestpass, guestpass, type GuestpassOptions } from '../../src/front-door/index.ts'
import { temporaryFolder } from '../spawn-cli.ts'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'

/** An upstream for the tests of a file, and an empty folder for each of them. */
export function plainHome(): { readonly upstream: PlainUpstream; readonly place: ReturnType<typeof temporaryFolder> } {
  let upstream: PlainUpstream
  let place: ReturnType<typeof temporaryFolder>
  beforeAll(async () => {
    upstream = await plainUpstream()
  })
  afterAll(() => upstream.close())
  beforeEach(() => {
    place = temporaryFolder()
  })
  afterEach(() => place.remove())
  return {
    get upstream() {
      return upstream
    },
    get place() {
      return place
    },
  }
}

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
