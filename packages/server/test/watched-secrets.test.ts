import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '@guestpass/runtime'
import { sandbox } from '@guestpass/sandbox'
import { fakeClock, settle } from '@guestpass/core/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../runtime/test/temporary-folder.ts'
import { openConnections } from '../src/connections/open-connections.ts'
import { reopenConnection } from '../src/connections/reopen-connection.ts'
import { watchSecrets } from '../src/connections/watched-secrets.ts'
import { createServiceLog } from '../src/http/log.ts'

it('a secret whose file changes is in force without a restart, and one that cannot be read is not', async () => {
  const upstream = await sandbox({ algorithm: 'ES256' })
  const { cwd, remove } = temporaryFolder()
  const file = join(cwd, 'client-secret')
  writeFileSync(file, 'test-secret-former')
  const { GENESYS_CLIENT_SECRET: right = '', ...others } = upstream.env
  const env = { ...others, GENESYS_CLIENT_SECRET_FILE: file, GUESTPASS_DATABASE_URL: 'memory:' }
  const read = () => readConfig({ env, cwd, needs: ['hosts', 'clientId'] })
  const lines: string[] = []
  const log = createServiceLog((line) => void lines.push(line))
  const host = { env, cwd, signal: new AbortController().signal, actor: 'service', note: log.note, warn: log.warn }
  const configs = [await read()]
  const connections = await openConnections({ configs }, host)
  const former = connections.first
  const token = () => connections.first.connection.accessTokens.token()
  await expect(token()).rejects.toMatchObject({ code: 'client_rejected' })

  const clock = fakeClock()
  const stop = new AbortController()
  const closing: Promise<void>[] = []
  const parts = {
    connections,
    host,
    streams: { endAll() {} },
    start() {},
    track: (work: Promise<void>) => void closing.push(work),
  }
  const reopen = (config: (typeof configs)[0]) => reopenConnection(config, parts)
  const watching = watchSecrets(configs, async () => [await read()], { reopen, clock, log }, stop.signal)
  const pass = async (): Promise<void> => {
    await settle()
    await clock.advance(5_000)
  }
  writeFileSync(file, '')
  await pass()
  await expect.poll(() => lines.join('')).toMatch(/former one still is.*CLIENT_SECRET_FILE names a file that is empty/)
  expect(connections.first).toBe(former)

  writeFileSync(file, right)
  await expect.poll(async () => (await pass(), connections.first)).not.toBe(former)
  expect((await token()).token.reveal()).toMatch(/\S/)
  expect(connections.first.store.store).toBe(former.store.store)
  stop.abort()
  await watching
  await Promise.all(closing)
  await connections.first.runtime.close()
  await upstream.close()
  remove()
  expect(lines.join('')).toContain('is in force')
  expect(lines.join('')).not.toContain(right)
})
