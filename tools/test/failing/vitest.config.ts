import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import own from '../../../vitest.config.ts'

/** Runs the tests of this folder, which fail on purpose, with the same setup files as all tests. */
export default defineConfig({
  root: join(import.meta.dirname, '../../..'),
  test: {
    include: ['tools/test/failing/*.ts'],
    exclude: ['**/vitest.config.ts'],
    setupFiles: own.test?.setupFiles ?? [],
    reporters: ['default', 'json'],
    pool: 'threads',
    isolate: own.test?.isolate ?? true,
    maxWorkers: 1,
  },
})
