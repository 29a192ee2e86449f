/** P2: how many guest tokens a second are verified that were never seen before. No contender has a cache. */
import { type Figures, figures } from './figures.ts'
import { measure } from './measure.ts'
import { inFlight, oneAtATime, race } from './race.ts'
import { type Algorithm, signedTokens } from './signed-tokens.ts'
import { awsJwtVerify, fastJwt, guestpass, jose, jsonWebToken, proven, rawCrypto } from './verifiers.ts'

const CALLERS = 16
const bars = [
  { than: 'best peer', wanted: 1 },
  { than: 'limit', wanted: 0.85 },
] as const

await measure(async (pace) => {
  const found: Figures[] = []
  for (const algorithm of ['RS256', 'ES256'] satisfies Algorithm[]) {
    const signed = signedTokens(algorithm, 512)
    const ours = guestpass(signed, 0)
    const peers = [fastJwt(signed, false), jsonWebToken(signed), jose(signed), awsJwtVerify(signed)]
    const contenders = await Promise.all([ours, ...peers].map((one) => proven(one, signed)))
    const modes = [
      { mode: oneAtATime, called: 'one at a time', way: 'at once' },
      { mode: inFlight(CALLERS), called: `${CALLERS} in flight`, way: 'on the thread pool' },
    ] as const
    for (const { mode, called, way } of modes) {
      const rated = await race([...contenders, rawCrypto(signed, way)], mode, pace)
      found.push(figures(`P2 verify cold, ${algorithm}, ${called}`, rated, bars))
    }
  }
  return found
})
