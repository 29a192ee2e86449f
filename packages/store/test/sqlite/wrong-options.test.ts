import { rm } from 'node:fs/promises'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodePorts } from '@guestpass/core/node'
import { afterAll, expect, it } from 'vitest'
import { describeFactories, type Factory } from '../../../core/test/connection/factories.ts'
import * as sqlite from '../../src/sqlite/index.ts'
import { KEY, ring } from '../helpers/open-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestpass-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const { clock, random } = nodePorts()
const options = { path: join(folder, 'guestpass.db'), keyRing: ring(), clock, random }

/** Every factory that `./sqlite` exports: arguments that are right, and mistakes with the fields that they name. */
const factories: Readonly<Record<string, Factory>> = {
  sqliteStore: {
    make: sqlite.sqliteStore,
    args: [options],
    isRight: ([one]) => (one as typeof options | undefined)?.path === 'hunter2',
    end: (store: sqlite.SealedStore) => store.close(),
    mistakes: [
      [[], ['path', 'keyRing', 'clock', 'random']],
      [[{ ...options, path: ':memory:' }], ['path']],
      [[{ ...options, keyRing: { ring: ring(), made: true } }], ['keyRing']],
      [[{ ...options, keyRing: sqlite.fileKeyRing(join(folder, 'a.key'), { random }) }], ['keyRing']],
      [[{ ...options, route: 'webhooks', busyMs: -1 }], ['route', 'busyMs']],
      [[{ ...options, busyMS: 100 }], ['busyMS']],
    ],
  },
  fileKeyRing: {
    make: sqlite.fileKeyRing,
    args: [join(folder, 'guestpass.key'), { random }],
    isRight: ([path]) => path === 'hunter2',
    mistakes: [
      [
        [undefined, {}],
        ['path', 'random'],
      ],
      [
        [5, undefined],
        ['path', 'random'],
      ],
    ],
  },
  localKeyRing: {
    make: sqlite.localKeyRing,
    args: [KEY, { random }],
    mistakes: [
      [
        [undefined, undefined],
        ['text', 'random'],
      ],
      [[KEY, { random, field: 5 }], ['field']],
      [['hunter2', { random }], ['GUESTPASS_ENCRYPTION_KEY']],
    ],
  },
}

/** What is no factory. */
const others = new Set([
  'fileLock',
  'tryWrite',
  'backupStore',
  'restoreStore',
  'erasureListPath',
  'syncFolder',
  'replacedDatabases',
])

it('the table names every exported function', () => {
  const exported = Object.entries(sqlite).filter(([, value]) => typeof value === 'function')
  const known = new Set([...Object.keys(factories), ...others])
  expect(exported.map(([name]) => name).filter((name) => !known.has(name))).toEqual([])
})

describeFactories(factories)
