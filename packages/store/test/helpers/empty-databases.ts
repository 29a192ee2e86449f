import { systemClock } from '@guestpass/core/runtime-kit'
import { afterAll, beforeAll } from 'vitest'
import { createPool, type PgClient, type PgPool } from '../../src/postgres/pool.ts'
import { type TestServer, testServer } from './test-server.ts'

/** The pool of a test on one database. Close it after the test. */
export const databasePool = (url: string, poolSize: number): PgPool =>
  createPool({ url, poolSize, waitMs: 5_000, answerMs: 30_000, clock: systemClock() })

/** Runs several statements on one client of a pool. */
export async function statements<T>(pool: PgPool, work: (client: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    return await work(client)
  } finally {
    client.release(false)
  }
}

/**
 * Makes empty databases for the tests of a suite, on a server of the suite. The result runs work with the address of
 * one, and removes it.
 */
export function emptyDatabases(prefix: string): <T>(work: (url: string) => Promise<T>) => Promise<T> {
  let test: TestServer
  let admin: PgPool
  let made = 0
  beforeAll(async () => {
    test = await testServer()
    admin = databasePool(test.url, 2)
  })
  afterAll(async () => {
    await admin.close()
    await test.stop()
  })
  return async (work) => {
    made += 1
    const name = `${prefix}_${made}`
    await statements(admin, (client) => client.query(`create database ${name}`))
    const url = new URL(test.url)
    url.pathname = name
    try {
      return await work(url.href)
    } finally {
      await statements(admin, (client) => client.query(`drop database ${name} with (force)`))
    }
  }
}
