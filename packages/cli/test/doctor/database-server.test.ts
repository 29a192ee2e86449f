import { expect, it } from 'vitest'
import { databaseServer } from '../../src/doctor/database-server.ts'
import { failover } from '../../src/doctor/failover.ts'

const server = {
  version: '15.20',
  mostConnections: 97,
  connections: 12,
  poolSize: 10,
  time: 5_000,
  isDurable: true,
  synchronousCommit: 'on',
  hasSynchronousStandby: true,
  hasStandby: true,
}

it('counts the connections of the server of the database', () => {
  expect(databaseServer(server, 5_400)).toEqual({
    check: 'database server',
    state: 'ok',
    message: 'PostgreSQL 15.20: 12 of 97 connections are open: room for 8 more processes of up to 10',
  })
})

it('warns if the server has no room for a process, or does not wait for its disk', () => {
  const found = (more: Partial<typeof server>) => databaseServer({ ...server, ...more }, 5_000)
  expect(found({ connections: 88 })).toMatchObject({
    state: 'warning',
    remedy: expect.stringContaining('max_connections'),
  })
  expect(found({ time: 65_000 })).toMatchObject({
    state: 'warning',
    message: 'PostgreSQL 15.20: its clock is 60 seconds ahead of the clock of this machine',
  })
  expect(found({ time: 0 })).toMatchObject({ state: 'warning', message: expect.stringContaining('5 seconds behind') })
  expect(found({ isDurable: false })).toMatchObject({ state: 'warning', remedy: expect.stringContaining('fsync') })
})

it('warns if a failover may lose commits, and says what to set', () => {
  const found = (more: Partial<typeof server>) => failover({ ...server, ...more })
  expect(found({}).state).toBe('ok')
  expect(found({ synchronousCommit: 'remote_apply' }).state).toBe('ok')
  for (const synchronousCommit of ['off', 'local', 'remote_write'])
    expect(found({ synchronousCommit })).toMatchObject({
      state: 'warning',
      remedy: expect.stringContaining('synchronous_commit'),
    })
  for (const hasStandby of [true, false])
    expect(found({ hasSynchronousStandby: false, hasStandby })).toMatchObject({
      state: 'warning',
      remedy: expect.stringContaining('synchronous_standby_names'),
    })
})
