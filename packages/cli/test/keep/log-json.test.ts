import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runInFolder, runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'

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

it.each([
  ['config_invalid', 2, {}],
  [
    'store_corrupt',
    1,
    { GENESYS_REGION: 'mypurecloud.ie', GENESYS_CLIENT_ID: 'app', GENESYS_CLIENT_SECRET: 'test-secret-1' },
  ],
])('keep --status replaces an old file if it cannot start: %s', async (code, exit, env) => {
  const files = { 'keep.json': '{"state":"running"}', 'broken.db': 'no database '.repeat(1_000) }
  const { cwd, remove } = temporaryFolder(files)
  onTestFinished(remove)
  const said = await runInProcess(['keep', '--status', 'keep.json', '--database', 'broken.db'], cwd, env)
  expect([said.code, said.err]).toEqual([exit, expect.stringContaining(code)])
  expect(JSON.parse(readFileSync(join(cwd, 'keep.json'), 'utf8'))).toMatchObject({
    state: 'failed',
    code,
    connection: 'default',
    pid: expect.any(Number),
    workers: [],
  })
  expect(readdirSync(cwd).filter((name) => name.endsWith('.part'))).toEqual([])
})
