import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './tools/long-files-first.ts'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tools/test/**/*.test.ts', 'examples/testing/vitest.test.ts'],
    globalSetup: ['tools/postgres/shared-server.ts'],
    setupFiles: ['tools/secrets-canary/watch.ts', 'tools/random-seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'threads',
    // Test files of a thread share the modules that they import: evaluating them for each file cost a third of the run.
    isolate: false,
    // Node strips the types of a source file once, not in each process that a test starts.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/programs') },
    restoreMocks: true,
    unstubGlobals: true,
    // Two more than the two cores that the suite is made for: many tests wait for processes and timers.
    maxWorkers: 4,
    sequence: { sequencer: LongFilesFirst },
  },
})
