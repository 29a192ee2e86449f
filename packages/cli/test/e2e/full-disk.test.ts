import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mayMount, onSmallDisk, type SmallDisk } from '../../../store/test/small-disk.ts'
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
      ann.leave()
    }
  })

describe.skipIf(!mayMount)('a disk that is full', () => {
  it('is named with its path by the verb that meets it, and found by doctor', async () => {
    await onDisk(async (ann, disk, path) => {
      await ann.run('token')
      disk.fill(40_000)
      const { text } = await ann.fails(ISSUE, 1, 'store_unavailable')
      expect(text).toMatch(/disk is full/i)
      expect(text).toContain(path)
      const { code, said } = await ann.ask<{ findings: { check: string; state: string; message: string }[] }>('doctor')
      expect([code, said]).toMatchObject([1, { healthy: false }])
      expect(said.findings).toContainEqual(
        expect.objectContaining({ check: 'disk', state: 'failed', message: expect.stringContaining(path) }),
      )
    })
  })

  it('is a warning of doctor as long as little room is left', async () => {
    await onDisk(async (ann, _disk, path) => {
      const { code, said } = await ann.ask<{ findings: { check: string; state: string; message: string }[] }>('doctor')
      const disk = said.findings.find(({ check }) => check === 'disk')
      expect([code, disk]).toMatchObject([0, { state: 'warning', message: expect.stringContaining(path) }])
    })
  })
})
