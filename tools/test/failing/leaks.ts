/** Tests that leak on purpose. Only secrets-canary.test.ts runs them. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'vitest'

const secret = ['test', 'secret', 'leaked-on-purpose'].join('-')

it('leaks by a child process', async () => {
  const child = spawn(process.execPath, ['-e', 'console.error(process.env.LEAK)'], { env: { LEAK: secret } })
  child.stderr.resume()
  await new Promise((resolve) => child.once('close', resolve))
})

it('leaks by a store file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-leak-'))
  writeFileSync(join(folder, 'guestpass.db-wal'), Buffer.concat([Buffer.from([0, 255, 1]), Buffer.from(secret)]))
  rmSync(folder, { recursive: true })
})

it('leaks by its own output', () => {
  console.log(`the token is ${secret}`)
})
