import { expect, it } from 'vitest'
import { databaseServer } from '../../src/doctor/database-server.ts'

const server = {
  version: '15.20',
  mostConnections: 97,
  connections: 12,
  poolSize: 10,
  isDurable: true,
  mayLoseCommits: false,
}

it('counts the connections of the server of the database', () => {
  expect(databaseServer(server)).toEqual({
    check: 'database server',
    state: 'ok',
    message: 'PostgreSQL 15.20: 12 of 97 connections are open, a process opens up to 10',
  })
})

it('warns if the server has no room for a process, or may lose commits', () => {
  const found = (more: Partial<typeof server>) => databaseServer({ ...server, ...more })
  expect(found({ connections: 88 })).toMatchObject({
    state: 'warning',
    remedy: expect.stringContaining('max_connections'),
  })
  expect(found({ isDurable: false })).toMatchObject({ state: 'warning', remedy: expect.stringContaining('fsync') })
  expect(found({ mayLoseCommits: true })).toMatchObject({
    state: 'warning',
    remedy: expect.stringContaining('synchronous_standby_names'),
  })
})
