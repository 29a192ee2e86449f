import { threadId } from 'node:worker_threads'
import { inject } from 'vitest'
import { runOn } from './server.ts'

/** A database of a test file on the server that all tests of a run share. */
export interface TestDatabase {
  readonly url: string
  /** Removes it. */
  readonly drop: () => Promise<void>
}

let made = 0

/** Makes an empty database. The first one of a run starts the server. */
export const testDatabase = (): Promise<TestDatabase> => createDatabase('')

/** Copies a database that no process uses. */
export const copyOf = (url: string): Promise<TestDatabase> =>
  createDatabase(` template ${new URL(url).pathname.slice(1)}`)

async function createDatabase(how: string): Promise<TestDatabase> {
  const answer = await fetch(inject('sharedPostgres'))
  const admin = await answer.text()
  if (!answer.ok) throw new Error(`The shared server did not start: ${admin}`)
  made += 1
  const name = `test_${process.pid}_${threadId}_${made}`
  await runOn(admin, `create database ${name}${how}`)
  const url = new URL(admin)
  url.pathname = name
  return { url: url.href, drop: async () => void (await runOn(admin, `drop database ${name} with (force)`)) }
}
