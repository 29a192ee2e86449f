import { expect, it } from 'vitest'
import { databaseServer } from '../../src/doctor/database-server.ts'

const server = {
  version: '15.20',
  mostConnections: 97,
  connections: 12,
  poolSize: 10,
  time: 5_000,
  isDurable: true,
  mayLoseCommits: false,
}

it('counts the connections of the server of the database', () => {
  expect(databaseServer(server, 5_400)).toEqual({
    check: 'database server',
    state: 'ok',
    message: 'PostgreSQL 15.20: 12 of 97 connections are open: room for 8 more processes of up to 10',
  })
})

it('warns if the server has no room for a process, or may lose commits', () => {
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
  expect(found({ mayLoseCommits: true })).toMatchObject({
    state: 'warning',
    remedy: expect.stringContaining('synchronous_standby_names'),
  })
})
