/**
 * Simulates a year of a connection on virtual time, over a store in a file: `npm run growth`. Prints what the store
 * holds after each month. Exits with 0 only if the file has levelled off, each refresh was counted exactly once, the
 * audit chain verifies, and each guest in use has a valid token.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fastFolder, growthAtEnd, isRight, simulateGrowth, type Size } from './growth.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000' },
    days: { type: 'string', default: '360' },
    'record-days': { type: 'string', default: '90' },
    'ended-guest-days': { type: 'string', default: '30' },
    every: { type: 'string', default: '30' },
    step: { type: 'string', default: '1' },
    folder: { type: 'string' },
  },
})

const line = ({ day, guests, events, documents, bytes }: Size): string =>
  [day, guests, events, documents, (bytes / 2 ** 20).toFixed(1)].map((cell) => String(cell).padStart(10)).join(' ')

const folder = mkdtempSync(join(values.folder ?? fastFolder(), 'guestpass-growth-'))
const startedAt = Date.now()
try {
  console.log(['day', 'guests', 'records', 'documents', 'MiB'].map((name) => name.padStart(10)).join(' '))
  const options = {
    folder,
    sessions: Number(values.sessions),
    days: Number(values.days),
    recordDays: Number(values['record-days']),
    endedGuestDays: Number(values['ended-guest-days']),
    stepHours: Number(values.step),
    leaving: 0.1,
    seed: 1,
  }
  const result = await simulateGrowth(options, Number(values.every), (size) => console.log(line(size)))
  const { refreshes, wronglyCounted, withoutToken, chainFault = 'none' } = result
  const figures: readonly (readonly [string, number | string])[] = [
    ['refreshes', refreshes],
    ['tokens that the report counts wrongly', wronglyCounted],
    ['guests in use without a valid token', withoutToken],
    ['fault of the audit chain', chainFault],
    ['size at the end, of that after two thirds', growthAtEnd(result.sizes).toFixed(3)],
    ['seconds', Math.round((Date.now() - startedAt) / 1_000)],
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(42)} ${value}`)
  console.log(isRight(result) ? 'the file has levelled off' : 'FAILED: see the figures')
  process.exitCode = isRight(result) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
