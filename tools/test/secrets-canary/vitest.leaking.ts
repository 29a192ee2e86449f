import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const root = join(import.meta.dirname, '../../..')

/** Runs the tests that leak on purpose, with the same setup file as all tests. */
export default defineConfig({
  root,
  test: {
    include: ['tools/test/secrets-canary/leaking.ts'],
    setupFiles: ['tools/secrets-canary/watch.ts'],
    reporters: ['default', 'json'],
    pool: 'threads',
    maxWorkers: 1,
  },
})
