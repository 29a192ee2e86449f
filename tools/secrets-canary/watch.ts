/** A setup file of vitest: it fails a test whose child processes, command lines or store files show a secret. */
import { afterAll, afterEach } from 'vitest'
import { takeFindings } from './findings.ts'
import './taps.ts'

function failOnFindings(): void {
  const found = takeFindings()
  if (found.length > 0) throw new Error(`A secret is visible: ${[...new Set(found)].join('; ')}`)
}
afterEach(failOnFindings)
afterAll(failOnFindings)
