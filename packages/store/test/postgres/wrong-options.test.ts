import { nodePorts } from '@guestpass/core/node'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { expect, it } from 'vitest'
import { postgresStore, type PostgresStoreOptions } from '../../src/postgres/index.ts'
import { ring } from '../helpers/open-store.ts'

const { clock, random } = nodePorts()
const options = { url: 'postgres://user:hunter2@127.0.0.1:1/db', keyRing: ring(), clock, random }

const mistakes: readonly (readonly [wrong: unknown, fields: readonly string[]])[] = [
  [undefined, ['url', 'keyRing', 'clock', 'random']],
  [{ ...options, url: './guestpass.db' }, ['url']],
  [{ ...options, url: 'mysql://user:hunter2@host/db' }, ['url']],
  [{ ...options, url: 'postgres://user:p@hunter2/word@host/db' }, ['url']],
  [{ ...options, keyRing: 'hunter2' }, ['keyRing']],
  [
    { ...options, poolSize: 1, waitMs: -1, lockMs: 0, statementMs: 0, idleMs: 0 },
    ['poolSize', 'waitMs', 'lockMs', 'statementMs', 'idleMs'],
  ],
  [{ ...options, time: 5, route: 'webhooks' }, ['route', 'time']],
  [{ ...options, poolsize: 5 }, ['poolsize']],
]

it('postgresStore names every wrong option, and shows no value', async () => {
  for (const [wrong, fields] of mistakes) {
    const opened = postgresStore(wrong as PostgresStoreOptions)
    await expect(opened).rejects.toMatchObject({ code: 'config_invalid' })
    const error = await opened.then(() => undefined, asGuestpassError)
    expect(error?.fields?.map(({ field }) => field).toSorted()).toEqual(fields.toSorted())
    expect(JSON.stringify(error?.toProblem()) + error?.message).not.toContain('hunter2')
  }
})

it('postgresStore shows no password of an address whose server cannot be reached', async () => {
  const opened = postgresStore({ ...options, waitMs: 100 })
  await expect(opened).rejects.toMatchObject({
    code: 'store_unavailable',
    reason: 'unreachable',
    retryable: true,
    message: expect.stringContaining('postgres://127.0.0.1:1/db cannot be used at the moment (ECONNREFUSED)'),
  })
  expect(String(await opened.catch((thrown: unknown) => thrown))).not.toContain('hunter2')
})
