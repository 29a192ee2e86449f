import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import type { Secret } from '../../src/domain/secret.ts'
import { DAY, type Millis, MINUTE, SECOND } from '../../src/domain/time.ts'
import { granted, jwt } from '../world/fake-upstream.ts'
import { ID, request, refreshWorld } from '../world/refresh-world.ts'
import { world } from '../world/world.ts'

/** A Date header has whole seconds, differences under 2 s count as none, and a clock may be steered by as much. */
const KNOWN: Millis = 5 * SECOND
const LIFE: Millis = 20 * MINUTE

/** Mostly right, or wrong by less than a token lives: then what it wrote does not lie in the future of others for long. */
const skew = fc.oneof(
  { arbitrary: fc.constant(0), weight: 4 },
  { arbitrary: fc.integer({ min: -LIFE, max: LIFE }), weight: 4 },
  { arbitrary: fc.integer({ min: -DAY, max: DAY }), weight: 1 },
)
/** Mostly about as long as a token lives. */
const wait = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: LIFE }), weight: 1 },
  { arbitrary: fc.integer({ min: LIFE - MINUTE, max: LIFE + 5 * MINUTE }), weight: 2 },
)

/** Time passes, the wall clock is set, a process may start, and one asks. */
const steps = fc.array(
  fc.record({
    wait,
    skew: fc.option(skew),
    fresh: fc.boolean(),
    process: fc.nat(),
  }),
  { minLength: 2, maxLength: 10 },
)

const expiryOf = (token: Secret): number => {
  const [, claims = ''] = token.reveal().split('.')
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number }).exp * SECOND
}

interface Process {
  readonly connection: Connection
  /** Whether it has had an answer of the issuer. */
  heard: boolean
}

/**
 * Plays steps against an issuer whose clock is right. Every caller is served; and never late, unless the process neither has a
 * right clock nor has ever heard the issuer's.
 */
async function play(
  here: {
    readonly clock: ReturnType<typeof world>['clock']
    readonly process: () => Promise<Connection>
    readonly asked: () => number
    readonly off: (ms: Millis) => void
  },
  skews: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never,
  ask: (connection: Connection) => Promise<{ readonly token: Secret; readonly expiresAt: number }>,
): Promise<void> {
  const { clock } = here
  const start = clock.wall() - clock.monotonic()
  const real = (): number => start + clock.monotonic()
  const processes: Process[] = []
  for (const { wait: pause, skew: next, fresh, process } of skews) {
    await clock.advance(pause)
    if (next !== null) clock.stepWall(real() + next - clock.wall())
    here.off(real() - clock.wall())
    if (fresh || processes.length === 0) processes.push({ connection: await here.process(), heard: false })
    const one = processes[process % processes.length] as Process
    const before = here.asked()
    const { token, expiresAt } = await ask(one.connection)
    one.heard ||= here.asked() > before
    const isRight = Math.abs(clock.wall() - real()) < 2 * SECOND
    if (isRight || one.heard) expect(expiryOf(token)).toBeGreaterThan(real() - KNOWN)
    if (isRight && !one.heard) expect(expiryOf(token)).toBeGreaterThan(real() - 2 * SECOND)
    expect(Number.isInteger(expiresAt) && expiresAt <= expiryOf(token)).toBe(true)
  }
}

it('serves no expired access token, for any change of the wall clock', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (of) => {
      const here = world()
      let off = 0
      here.upstream.token = () => {
        const at = here.clock.wall() + off
        const claims = { sub: 'client', iat: Math.floor(at / SECOND), exp: Math.floor((at + LIFE) / SECOND) }
        const answer = granted(1, { access_token: jwt(claims), expires_in: LIFE / SECOND })
        return { ...answer, headers: { ...answer.headers, date: new Date(at).toUTCString() } }
      }
      const asked = (): number => here.upstream.asked.token.length
      const processing = {
        clock: here.clock,
        process: () => here.process(),
        asked,
        off: (ms: Millis) => void (off = ms),
      }
      await play(processing, of, ({ accessTokens }) => accessTokens.token())
    }),
    { numRuns: 100 },
  )
})

it('serves no expired guest token, for any change of the wall clock', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (of) => {
      const here = refreshWorld()
      const { upstream, clock } = here
      await (await here.process()).guests.issue({ ...request, duration: LIFE / SECOND })
      const asked = (): number => upstream.refreshes.length + upstream.mints()
      const off = (ms: Millis): void => void (upstream.skewMs = ms)
      await play({ clock, process: () => here.process(), asked, off }, of, ({ guests }) => guests.token(ID))
    }),
    { numRuns: 100 },
  )
})
