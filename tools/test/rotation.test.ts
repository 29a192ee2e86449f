import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const program = join(import.meta.dirname, '../torture/rotation/run.ts')

const rotated = (
  ...args: string[]
): Promise<{ readonly exit: number; readonly said: string; figure(name: string): number }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, said, complaint) =>
      resolve({
        exit: typeof error?.code === 'number' ? error.code : 0,
        said: said + complaint,
        figure: (name) => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(said)?.[1] ?? Number.NaN),
      }),
    )
  })

describe('processes that share a sign-in and are killed', { timeout: 120_000 }, () => {
  it.each(['strict', 'grace'])(
    'present no refresh token twice undeclared, and lose none silently (%s)',
    async (profile) => {
      const { exit, said, figure } = await rotated('--profile', profile, '--kills', '8', '--seed', '11')
      expect(figure('kills')).toBeGreaterThanOrEqual(8)
      expect(figure('refreshes that took effect upstream'), said).toBeGreaterThan(0)
      expect(exit, said).toBe(0)
    },
  )

  it.concurrent('are caught when they write no intent before they send', async () => {
    const { exit, said } = await rotated('--kills', '300', '--seed', '11', '--bug', 'no-intent')
    expect(exit, said).toBe(1)
  })
})
