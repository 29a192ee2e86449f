import { expect, it } from 'vitest'
import { runInFolder } from '../run-in-process.ts'

it('keep --log json writes a configuration mistake as one object, with its warnings before', async () => {
  const env = { GENESYS_REGOIN: 'x', GENESYS_RATE_LIMIT: 'many' }
  const { code, out, err } = await runInFolder(['keep', '--log', 'json'], { env })
  const lines = err
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly event: string })
  expect([code, out]).toEqual([2, ''])
  expect(lines.filter(({ event }) => event !== 'warning')).toEqual([
    expect.objectContaining({
      event: 'failed',
      level: 'error',
      connection: 'default',
      code: 'config_invalid',
      fields: expect.arrayContaining([expect.objectContaining({ field: 'GENESYS_RATE_LIMIT' })]),
    }),
  ])
})
