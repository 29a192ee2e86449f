import { defineConfig } from 'vitest/config'
import { LongFilesFirst } from './tools/long-files-first.ts'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'threads',
    maxWorkers: 2,
    sequence: { sequencer: LongFilesFirst },
  },
})
