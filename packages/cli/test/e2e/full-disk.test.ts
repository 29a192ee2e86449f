import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mayMount, onSmallDisk, type SmallDisk } from '../../../store/test/helpers/small-disk.ts'
import { JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

let upstream: Sandbox
beforeAll(async () => {
  upstream = await sandbox({ autoConsent: true })
})
afterAll(() => upstream.close())

/** A user whose store is on a small disk. */
const onDisk = (body: (ann: User, disk: SmallDisk, path: string) => Promise<void>): Promise<void> =>
  onSmallDisk(async (disk) => {
    const path = join(disk.folder, 'gp.db')
    const ann = user({ ...upstream.env, GUESTPASS_DATABASE_URL: path })
    try {
      await body(ann, disk, path)
      expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
    } finally {
      ann.removeFolder()
    }
  })

describe.skipIf(!mayMount)('a disk that is full', () => {
  it('is named with its path by the command that meets it, and found by doctor', async () => {
    await onDisk(async (ann, disk, path) => {
      await ann.run('token')
      disk.fill(40_000)
      const { text } = await ann.expectFailure(ISSUE, 1, 'store_unavailable')
      expect(text).toMatch(/disk is full/i)
      expect(text).toContain(path)
      const { code, said } = await ann.runJson<{ findings: { check: string; state: string; message: string }[] }>(
        'doctor',
      )
      expect([code, said]).toMatchObject([1, { healthy: false }])
      expect(said.findings).toContainEqual(
        expect.objectContaining({ check: 'disk', state: 'failed', message: expect.stringContaining(path) }),
      )
    })
  })

  it('is a warning of doctor as long as little room is left', async () => {
    await onDisk(async (ann, _disk, path) => {
      await ann.run('token')
      const { code, said } = await ann.runJson<{ findings: { check: string; state: string; message: string }[] }>(
        'doctor',
      )
      const disk = said.findings.find(({ check }) => check === 'disk')
      expect([code, disk]).toMatchObject([0, { state: 'warning', message: expect.stringContaining(path) }])
    })
  })

  it('that fills while a refresh is under way costs nothing: the new tokens are stored when there is room', async () => {
    await onDisk(async (ann, disk, path) => {
      let spent = 0
      const server = createServer((_request, response) => {
        // The room that was kept is gone as well: another process used it.
        rmSync(`${path}-reserve`, { force: true })
        disk.fill()
        spent += 1
        const body = { access_token: `opaque-${spent}`, refresh_token: `next-${spent}`, expires_in: 3_600 }
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const run = ann.start('token --json', {
        env: { GENESYS_OAUTH_BASE_URL: url, GENESYS_REFRESH_TOKEN: 'first' },
      })
      await run.matchOnStandardError(
        /The store cannot take the new tokens: the disk is full \(\S+gp\.db\)\. Trying again; 5 s of 60 s\./,
      )
      disk.empty()
      const { code, out } = await run.ended
      server.close()
      expect([code, JSON.parse(out), spent]).toMatchObject([0, { generation: 1, status: 'active' }, 1])
    })
  }, 40_000)
})
