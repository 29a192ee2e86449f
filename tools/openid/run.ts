/**
 * Signs a user in at a real OpenID provider, and lets processes that share a store renew the access token, with a refresh token that each use
 * spends and a provider that ends the sign-in at reuse: `npm run openid -- --rotations 100 --restarts 3 --processes 3`. Exits with 0
 * only when no refresh token was presented twice, nothing was refused, and no worker received an error.
 */
import { parseArgs } from 'node:util'
import { wholeNumber } from '../whole-number.ts'
import { isRight, type RotationsAsk, rotated } from './rotations.ts'

const { values } = parseArgs({
  options: {
    rotations: { type: 'string', default: '100' },
    restarts: { type: 'string', default: '2' },
    down: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '3' },
    bug: { type: 'string' },
  },
})

const whole = (name: Exclude<keyof typeof values, 'bug'>): number => wholeNumber(name, values[name])
const bug = values.bug === 'copy' ? 'copy' : undefined
if (bug !== values.bug) throw new TypeError('--bug is copy: one process works on a copy of the store')

const ask: RotationsAsk = {
  rotations: whole('rotations'),
  restarts: whole('restarts'),
  downMs: whole('down'),
  processes: whole('processes'),
  bug,
}
const found = await rotated(ask)
const figures: readonly (readonly [string, number])[] = [
  ['processes', ask.processes],
  ['rotations of the refresh token', found.rotations],
  ['generations given to workers', found.generations],
  ['restarts of the provider', found.restarts],
  ['refresh tokens presented twice', found.presentedTwice],
  ['sign-ins that the provider ended', found.ended],
  ['token requests that were refused', found.refused],
  ['generations with two tokens', found.doubled],
  ['errors of workers', found.errors.length],
  ['seconds', found.seconds],
]
for (const [name, value] of figures) console.log(`${name.padEnd(40)} ${String(value).padStart(6)}`)
for (const code of new Set(found.errors)) console.log(`  ${code}`)
console.log(isRight(found, ask) ? 'nothing was lost, spent twice or refused' : 'FAILED: see above')
process.exitCode = isRight(found, ask) ? 0 : 1
