/** P3: how many guest tokens a second are verified that were seen before, out of so many that everybody remembers them all. */
import { type Figures, figures } from './figures.ts'
import { measure } from './measure.ts'
import { oneAtATime, race } from './race.ts'
import { type Algorithm, signedTokens } from './signed-tokens.ts'
import { fastJwt, guestpass, proven } from './verifiers.ts'

await measure(async (pace) => {
  const found: Figures[] = []
  for (const algorithm of ['RS256', 'ES256'] satisfies Algorithm[]) {
    const signed = signedTokens(algorithm, 512)
    const contenders = [await proven(guestpass(signed), signed), await proven(fastJwt(signed, true), signed)]
    const rated = await race(contenders, oneAtATime, pace)
    found.push(figures(`P3 verify again, ${algorithm}`, rated, [{ than: 'best peer', wanted: 2 }]))
  }
  return found
})
